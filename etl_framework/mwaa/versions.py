"""What Amazon MWAA has: its versions of Airflow with their images, and its classes."""

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
    """One version of Airflow on MWAA, and what its image is."""

    airflow: str = Field(description="As MWAA calls it: 3.3.1.")
    python: str = Field(description="Python of the image: 3.12.")
    glibc: tuple[int, int] = Field(description="What wheels may need at most.")
    platform: str = Field(description="The machine that wheels are for.")
    airflowignore: Literal["regexp", "glob"] = Field(description="Syntax of `.airflowignore`.")
    limits: Limits

    @property
    def target(self) -> str:
        """What `--target` says."""
        return f"mwaa:{self.airflow}"

    @property
    def constraints_url(self) -> str:
        """Where the Airflow project publishes the constraints."""
        return CONSTRAINTS_URL.format(airflow=self.airflow, python=self.python)

    def installed(self) -> dict[str, str]:
        """Version of each package that the image has, by its normalized name."""
        return pins(self._list("installed"))

    def essential(self) -> dict[str, str]:
        """Versions that a bundle cannot change."""
        return pins(self._list("essential"))

    def tested(self) -> dict[str, str]:
        """Versions that bundles were tested with, of what the image lacks; newer ones may do."""
        return pins(self._list("tested"))

    def _list(self, name: str) -> str:
        return (FOLDER / f"images/{self.airflow}/{name}.txt").read_text(encoding="utf-8")


def mwaa_version(name: str) -> MwaaVersion:
    """A version by its name, `3.3.1` or `mwaa:3.3.1`.

    :raises ConfigError: MWAA has none of that name.
    """
    found = mwaa_versions()
    wanted = name.removeprefix("mwaa:")
    if wanted not in found:
        raise ConfigError(f"MWAA has no Airflow '{wanted}'", hint=did_you_mean(wanted, found))
    return found[wanted]


def environment_class(name: str) -> EnvironmentClass:
    """A class by its name, `mw1.small`.

    :raises ConfigError: there is none.
    """
    found = environment_classes()
    if name not in found:
        hint = did_you_mean(name, found)
        raise ConfigError(f"MWAA has no environment class '{name}'", hint=hint)
    return found[name]


@cache
def mwaa_versions() -> MappingProxyType[str, MwaaVersion]:
    """Every version, oldest first."""
    table = _table()
    found = {
        name: MwaaVersion(airflow=name, limits=table["limits"], **image)
        for name, image in table["images"].items()
    }
    return MappingProxyType(found)


@cache
def environment_classes() -> MappingProxyType[str, EnvironmentClass]:
    """Every class, smallest first."""
    found = {name: EnvironmentClass(name=name, **row) for name, row in _table()["classes"].items()}
    return MappingProxyType(found)


def pins(text: str) -> dict[str, str]:
    """The `name==version` lines of a file, by normalized name; `;` conditions are ignored."""
    found = re.findall(r"(?m)^\s*([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;#]+)", text)
    return {normalized(name): version for name, version in found}


def normalized(name: str) -> str:
    """A package's name as all its spellings are compared."""
    return re.sub(r"[-_.]+", "-", name).lower()


def _table() -> dict[str, Any]:
    import yaml

    found: dict[str, Any] = yaml.safe_load((FOLDER / "versions.yml").read_text(encoding="utf-8"))
    return found
