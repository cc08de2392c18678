"""A bundle on this machine, checked against its manifest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.mwaa.bundle.manifest import Manifest, read_manifest
from etl_framework.mwaa.deploy.calls import finding
from etl_framework.mwaa.deploy.environment import PARTS

CONFIGURATION = "airflow-config.json"


@dataclass(frozen=True)
class Bundle:
    """A bundle that is to be deployed.

    :param files: the SHA-256 of every file of dags/ and of every part, by its path in the folder.
    :param options: configuration options of Airflow.
    """

    folder: Path
    manifest: Manifest
    files: Mapping[str, str]
    options: Mapping[str, str]


def read_bundle(folder: Path) -> Bundle:
    """Read a bundle and check that its files are those that were verified.

    :raises ConfigError: it is no bundle, or files were changed since; names every such file.
    """
    manifest = read_manifest(folder)
    wrong = list(_changed(folder, manifest))
    if wrong:
        raise ConfigError(wrong)
    files = {
        path: digest
        for path, digest in manifest.files.items()
        if path.startswith("dags/") or path in PARTS
    }
    options = {}
    if CONFIGURATION in manifest.files:
        configuration = json.loads((folder / CONFIGURATION).read_text(encoding="utf-8"))
        options = {str(name): str(value) for name, value in configuration.items()}
    return Bundle(folder, manifest, files, options)


def _changed(folder: Path, manifest: Manifest) -> Iterator[Diagnostic]:
    hint = "make it again: etl bundle"
    for path, digest in sorted(manifest.files.items()):
        file = folder / path
        if not file.resolve().is_relative_to(folder.resolve()):
            yield finding("M105", f"{path} leads out of the bundle", hint)
        elif not file.is_file():
            yield finding("M105", f"{path} is not in the bundle", hint)
        elif sha256(file) != digest:
            yield finding("M105", f"{path} was changed since the bundle was made", hint)
    there = {str(f.relative_to(folder)) for f in (folder / "dags").rglob("*") if f.is_file()}
    for path in sorted(there - set(manifest.files)):
        yield finding("M105", f"{path} is in the bundle and not in its manifest", hint)


def sha256(file: Path) -> str:
    """The SHA-256 of a file's content."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").hexdigest()
