"""Airflow's constraints for a version, from a file, the project or the network."""

from __future__ import annotations

from pathlib import Path

from etl_framework.errors import ConfigError
from etl_framework.platforms.mwaa import MwaaVersion, pins

FOLDER = "constraints"
SECONDS = 20


def constraints_of(version: MwaaVersion, root: Path, given: Path | None) -> str:
    """The text of the constraints.

    :param given: a file with them; if None, `constraints/<version>.txt` of the project is read,
        or else the constraints are downloaded from Airflow's site.
    :raises ConfigError: there are no constraints, or they cannot be read.
    """
    kept = root / FOLDER / f"{version.airflow}.txt"
    file = given or (kept if kept.is_file() else None)
    if file is None:
        return _fetched(version, kept)
    try:
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"the constraints {file} cannot be read: {error}") from error
    if not pins(text):
        raise ConfigError(
            f"{file} holds no constraints", hint=f"save {version.constraints_url} there"
        )
    return text


def _fetched(version: MwaaVersion, kept: Path) -> str:
    from urllib.request import urlopen

    url = version.constraints_url
    try:
        with urlopen(url, timeout=SECONDS) as answer:
            text: str = answer.read().decode("utf-8")
    except (OSError, ValueError) as error:
        raise ConfigError(
            f"there are no constraints for Airflow {version.airflow}: no file {FOLDER}/{kept.name} "
            f"in the project, and {url} cannot be fetched: {error}",
            hint=f"save it as {FOLDER}/{kept.name}, or name a file with --constraints",
        ) from error
    if not pins(text):
        raise ConfigError(f"{url} answers with no constraints", hint="name a file: --constraints")
    return text
