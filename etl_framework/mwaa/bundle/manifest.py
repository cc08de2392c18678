"""The manifest of a bundle: `manifest.json` at the root of its folder."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, ValidationError

from etl_framework.errors import ConfigError
from etl_framework.model import Model

FILE = "manifest.json"


class Manifest(Model):
    """What a bundle holds, what it was made from, and what it needs to run; no secret values."""

    format: Literal[1] = Field(1, description="Of this file.")
    target: str = Field(description="What it was made for: `mwaa:3.3.1`.")
    airflow: str = Field(description="Version of Airflow.")
    python: str = Field(description="Version of Python.")
    framework: str = Field(description="Version of etl-framework.")
    commit: str = Field(description="Of the project, with `+` for changes not committed; or empty.")
    environment: str = Field(description="Name in `environments.yml`.")
    files: dict[str, str] = Field(description="SHA-256 of each other file, by its path from here.")
    dag_ids: tuple[str, ...] = Field(description="DAGs that Airflow shows once it is deployed.")
    connections: tuple[str, ...] = Field(description="Ids of the Airflow connections it looks up.")
    variables: tuple[str, ...] = Field(description="Names of the Airflow Variables it looks up.")
    secrets: tuple[str, ...] = Field(
        description="Those of both that hold a secret: `connection:x`, `variable:y`, `env:Z`."
    )
    packages: dict[str, str] = Field(description="Version of each package in `plugins.zip`.")

    def write(self, folder: Path) -> None:
        """Write the manifest into a bundle's folder; equal manifests give equal bytes."""
        text = self.model_dump_json(indent=2)
        (folder / FILE).write_text(text + "\n", encoding="utf-8")


def read_manifest(folder: Path) -> Manifest:
    """The manifest of a bundle.

    :raises ConfigError: the folder is no bundle, or its manifest cannot be read.
    """
    hint = "write it with `etl bundle`"
    try:
        data = (folder / FILE).read_bytes()
    except OSError as error:
        raise ConfigError(f"{folder} is no bundle: it has no {FILE}", hint=hint) from error
    try:
        return Manifest.model_validate_json(data)
    except ValidationError as error:
        wrong = ", ".join(
            f"{'.'.join(map(str, detail['loc'])) or 'the file'}: {detail['msg']}"
            for detail in error.errors()
        )
        raise ConfigError(f"{folder / FILE} cannot be read: {wrong}", hint=hint) from error
