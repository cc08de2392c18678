"""The versions of Airflow on Amazon MWAA with their images, and the environment classes."""

from __future__ import annotations

import re
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Any, Literal

from pydantic import Field

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.model import Model

FOLDER = files(__package__ or "")
CONSTRAINTS_URL = (
    "https://raw.githubusercontent.com/apache/airflow/constraints-{airflow}/"
    "constraints-{python}.txt"
)


class EnvironmentClass(Model):
    """How large one worker of an environment is."""

    name: str
    vcpu: int = Field(description="Virtual processors of a worker.")
    memory_gb: int = Field(description="Memory of a worker.")
    concurrency: int = Field(description="Tasks at a time on a worker, by default.")
    dags: int = Field(description="DAGs that AWS recommends at most.")


class Limits(Model):
    """How large the parts of a bundle may be."""

    plugins_mb: int
    dags_mb: int
    requirements_kb: int
    startup_kb: int


class MwaaVersion(Model):
    """One version of Airflow on MWAA, with its image."""

    airflow: str = Field(description="As MWAA calls it: 3.3.1.")
    python: str = Field(description="Python of the image: 3.12.")
    glibc: tuple[int, int] = Field(description="What wheels may need at most.")
    platform: str = Field(description="The machine that wheels are for.")
    airflowignore: Literal["regexp", "glob"] = Field(description="Syntax of `.airflowignore`.")
    limits: Limits

    @property
    def target(self) -> str:
        """The name of the version for `--target`."""
        return f"mwaa:{self.airflow}"

    @property
    def constraints_url(self) -> str:
        """Where the Airflow project publishes the constraints."""
        return CONSTRAINTS_URL.format(airflow=self.airflow, python=self.python)

    def installed(self) -> dict[str, str]:
        """The version of every package in the image, by normalized name."""
        return pins(self._list("installed"))

    def essential(self) -> dict[str, str]:
        """The versions of the packages that a bundle cannot change."""
        return pins(self._list("essential"))

    def tested(self) -> dict[str, str]:
        """The tested versions of packages that the image lacks; newer ones may work, too."""
        return pins(self._list("tested"))

    def _list(self, name: str) -> str:
        return (FOLDER / f"images/{self.airflow}/{name}.txt").read_text(encoding="utf-8")


def mwaa_version(name: str) -> MwaaVersion:
    """A version by its name, `3.3.1` or `mwaa:3.3.1`.

    :raises ConfigError: MWAA has no such version.
    """
    versions = mwaa_versions()
    wanted = name.removeprefix("mwaa:")
    if wanted not in versions:
        raise ConfigError(f"MWAA has no Airflow '{wanted}'", hint=did_you_mean(wanted, versions))
    return versions[wanted]


def environment_class(name: str) -> EnvironmentClass:
    """A class by its name, `mw1.small`.

    :raises ConfigError: there is no such class.
    """
    classes = environment_classes()
    if name not in classes:
        hint = did_you_mean(name, classes)
        raise ConfigError(f"MWAA has no environment class '{name}'", hint=hint)
    return classes[name]


@cache
def mwaa_versions() -> MappingProxyType[str, MwaaVersion]:
    """Every version, oldest first."""
    table = _table()
    versions = {
        name: MwaaVersion(airflow=name, limits=table["limits"], **image)
        for name, image in table["images"].items()
    }
    return MappingProxyType(versions)


@cache
def environment_classes() -> MappingProxyType[str, EnvironmentClass]:
    """Every class, smallest first."""
    classes = {
        name: EnvironmentClass(name=name, **row) for name, row in _table()["classes"].items()
    }
    return MappingProxyType(classes)


def pins(text: str) -> dict[str, str]:
    """The `name==version` lines of a file, by normalized name; `;` conditions are ignored."""
    matches = re.findall(r"(?m)^\s*([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;#]+)", text)
    return {normalized(name): version for name, version in matches}


def normalized(name: str) -> str:
    """A package's name in the form that is the same for all its spellings."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _table() -> dict[str, Any]:
    import yaml

    table: dict[str, Any] = yaml.safe_load((FOLDER / "versions.yml").read_text(encoding="utf-8"))
    return table
