"""A Python environment like MWAA's containers: packages of the image, then of a bundle."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.mwaa.bundle.tools import python_of, uv
from etl_framework.platforms.mwaa import MwaaVersion, pins

PLUGINS = "/usr/local/airflow/plugins"
# The image builds both from source; psycopg2-binary replaces the one, only Celery needs the other.
NOT_FROM_WHEELS = ("psycopg2", "pycurl")


@dataclass(frozen=True)
class Image:
    """A Python with an image's packages; a bundle's packages can be installed on top."""

    python: Path
    folder: Path
    version: MwaaVersion

    def install(self, bundle: Path) -> list[Diagnostic]:
        """Install a bundle's requirements from its plugins.zip; return the problems."""
        plugins = self.folder / "plugins"
        with zipfile.ZipFile(bundle / "plugins.zip") as archive:
            archive.extractall(plugins)
        text = (bundle / "requirements.txt").read_text(encoding="utf-8")
        here = self.folder / "requirements.txt"
        here.write_text(text.replace(PLUGINS, str(plugins)), encoding="utf-8")
        before = self._packages()
        done = uv(
            [
                "pip",
                "install",
                "--quiet",
                "--offline",
                "--python",
                str(self.python),
                "-r",
                str(here),
            ],
            self.folder,
        )
        if done.returncode:
            return [
                Diagnostic(
                    "requirements.txt", 0, 0, "B204", f"cannot be installed: {done.stderr.strip()}"
                )
            ]
        after = self._packages()
        return [
            Diagnostic(
                "requirements.txt",
                0,
                0,
                "B205",
                f"{name} of the image changes from {was} to {after.get(name, 'none')}",
                hint="ask for versions that leave the image's packages alone",
            )
            for name, was in before.items()
            if after.get(name) != was
        ]

    def add(self, package: str, number: str) -> None:
        """Install one more package, without its dependencies.

        :raises ConfigError: it cannot be installed.
        """
        asked = f"{package}=={number}"
        done = uv(
            ["pip", "install", "--quiet", "--no-deps", "--python", str(self.python), asked],
            self.folder,
        )
        if done.returncode:
            raise ConfigError(f"{asked} cannot be installed: {done.stderr.strip()}")

    def parse(
        self, dags: Path, settings: dict[str, str], code: Path | None = None
    ) -> list[dict[str, Any]]:
        """Parse DAG files in Airflow, and return a row with the result of each.

        :param settings: Airflow's options, by `section.option`.
        :param code: a further folder that modules are imported from.
        :raises ConfigError: Airflow itself does not start.
        """
        copied = shutil.copytree(dags, self.folder / "dags")
        env = {
            **_without_airflow(),
            "AIRFLOW_HOME": str(self.folder / "home"),
            "AIRFLOW__CORE__DAGS_FOLDER": str(copied),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            # dag-factory hides a timeout; how long a file takes is checked afterwards.
            "AIRFLOW__CORE__DAGBAG_IMPORT_TIMEOUT": "600",
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{self.folder}/airflow.db",
            **({"PYTHONPATH": str(code)} if code else {}),
            **{_variable(name): value for name, value in settings.items()},
        }
        done = subprocess.run(
            [str(self.python), "-W", "ignore", "-m", "etl_framework.airflow.parsing", str(copied)],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            check=False,
        )
        try:
            rows: list[dict[str, Any]] = json.loads(done.stdout.strip().splitlines()[-1])
        except (IndexError, ValueError) as error:
            said = done.stderr.strip().splitlines()[-1:] or ["it said nothing"]
            raise ConfigError(f"Airflow {self.version.airflow} cannot parse: {said[0]}") from error
        return rows

    def _packages(self) -> dict[str, str]:
        done = uv(["pip", "freeze", "--python", str(self.python)], self.folder)
        return pins(done.stdout)


@contextmanager
def image_of(version: MwaaVersion) -> Iterator[Image]:
    """An environment with the image's packages, in a folder that is deleted at the end.

    :raises ConfigError: there is no such Python, or a package cannot be installed.
    """
    with tempfile.TemporaryDirectory(prefix="etl-image-") as name:
        folder = Path(name)
        uv(["venv", "--quiet", "--python", python_of(version, folder), "venv"], folder)
        python = folder / "venv/bin/python"
        lines = [
            f"{package}=={number}\n"
            for package, number in version.installed().items()
            if package not in NOT_FROM_WHEELS
        ]
        (folder / "image.txt").write_text("".join(lines), encoding="utf-8")
        done = uv(
            ["pip", "install", "--quiet", "--no-deps", "--python", str(python), "-r", "image.txt"],
            folder,
        )
        if done.returncode:
            raise ConfigError(
                f"the packages of MWAA's image cannot be installed: {done.stderr.strip()}",
                hint="look at the network; or `--no-import`: the DAGs are not tried",
            )
        yield Image(python, folder, version)


def _variable(setting: str) -> str:
    section, _, option = setting.partition(".")
    return f"AIRFLOW__{section.upper()}__{option.upper()}"


def _without_airflow() -> dict[str, str]:
    """This process's environment variables, without those that Airflow, AWS or Python read."""
    said = ("AIRFLOW", "AWS_", "PYTHON", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(said)}
