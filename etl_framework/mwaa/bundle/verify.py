"""Check on this machine whether a bundle works on MWAA."""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl_framework.airflow.parsing import SECONDS
from etl_framework.errors import Diagnostic
from etl_framework.mwaa.bundle.image import image_of
from etl_framework.mwaa.bundle.manifest import FILE, Manifest, read_manifest
from etl_framework.mwaa.bundle.wheels import unfitting
from etl_framework.platforms.mwaa import MwaaVersion, mwaa_version, pins

AUTHORITIES = "authorities.pem"
Row = dict[str, Any]


@dataclass(frozen=True)
class Verified:
    """The result of a check: problems, and a row for each DAG file that was parsed.

    :param notes: remarks that are worth knowing, but no problems.
    """

    problems: tuple[Diagnostic, ...]
    rows: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()


def verify(folder: Path, imports: bool) -> tuple[Manifest, Verified]:
    """Check a finished bundle.

    :param imports: build an environment like MWAA's image, and import the DAGs there.
    :raises ConfigError: the folder is no bundle.
    """
    manifest = read_manifest(folder)
    changed = tuple(_changed(folder, manifest))
    if changed:
        return manifest, Verified(changed)
    if not manifest.target.startswith("mwaa:"):
        return manifest, Verified((), notes=("its files are those that it was made with",))
    return manifest, verified(folder, mwaa_version(manifest.target), manifest.dag_ids, imports)


def verified(folder: Path, version: MwaaVersion, dag_ids: Sequence[str], imports: bool) -> Verified:
    """Check the files of a bundle without regard to its manifest, which may not exist yet.

    :param dag_ids: the DAGs that its DAG files should make.
    """
    problems = [*_sizes(folder, version), *_plugins(folder, version)]
    if problems or not imports:
        return Verified(tuple(problems))
    with image_of(version) as image:
        problems += image.install(folder)
        if problems:
            return Verified(tuple(problems))
        rows = image.parse(folder / "dags", settings_of(folder))
    return Verified(tuple(of_rows(rows, dag_ids)), tuple(rows))


def settings_of(folder: Path) -> dict[str, str]:
    """The configuration of Airflow in a bundle, by `section.option`."""
    settings: dict[str, str] = json.loads(
        (folder / "airflow-config.json").read_text(encoding="utf-8")
    )
    return settings


def digests(folder: Path) -> dict[str, str]:
    """The SHA-256 of every file of a bundle except its manifest, by path."""
    return {
        file.relative_to(folder).as_posix(): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file() and file != folder / FILE
    }


def _changed(folder: Path, manifest: Manifest) -> Iterator[Diagnostic]:
    now = digests(folder)
    hint = "make the bundle again"
    for name in sorted({*now, *manifest.files}):
        if name not in now:
            yield Diagnostic(name, 0, 0, "B302", "is not there any more", hint)
        elif name not in manifest.files:
            yield Diagnostic(name, 0, 0, "B302", "is not of the bundle", hint)
        elif now[name] != manifest.files[name]:
            yield Diagnostic(name, 0, 0, "B302", "is not what the bundle was made with", hint)


def _sizes(folder: Path, version: MwaaVersion) -> Iterator[Diagnostic]:
    limits = version.limits
    for name, limit, unit in (
        ("plugins.zip", limits.plugins_mb, "MB"),
        ("dags", limits.dags_mb, "MB"),
        ("requirements.txt", limits.requirements_kb, "kB"),
        ("startup.sh", limits.startup_kb, "kB"),
    ):
        size = size_of(folder / name) / (1_000_000 if unit == "MB" else 1_000)
        if size > limit:
            yield Diagnostic(
                name,
                0,
                0,
                "B301",
                f"has {size:,.1f} {unit}; MWAA starts with up to {limit:,}",
                hint="leave out packages and files that the DAGs do not need",
            )


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder; 0 if there is none."""
    files = path.rglob("*") if path.is_dir() else [path]
    return sum(file.stat().st_size for file in files if file.is_file())


def _plugins(folder: Path, version: MwaaVersion) -> Iterator[Diagnostic]:
    with zipfile.ZipFile(folder / "plugins.zip") as archive:
        names = archive.namelist()
    wheels = [Path(name) for name in names if name.endswith(".whl")]
    yield from unfitting(wheels, version)
    for name in names:
        if "/" in name or not (name.endswith(".whl") or name == AUTHORITIES):
            message = f"{name} is neither a wheel nor {AUTHORITIES} at the root"
            yield Diagnostic("plugins.zip", 0, 0, "B206", message)
    fixed = {**version.essential(), **version.installed()}
    asked = pins((folder / "requirements.txt").read_text(encoding="utf-8"))
    for package, number in asked.items():
        if fixed.get(package, number) != number:
            message = f"{package}=={number} is {fixed[package]} on MWAA {version.airflow}"
            yield Diagnostic("requirements.txt", 0, 0, "B202", message, "ask for that version")


def of_rows(rows: Sequence[Row], dag_ids: Sequence[str]) -> Iterator[Diagnostic]:
    """The problems of DAG files that were parsed; none if no file was parsed.

    :param dag_ids: the DAGs that they should make.
    """
    for row in rows:
        path = f"dags/{row['file']}"
        for refusal in row["refused"]:
            where = f"dags/{refusal['file']}" if refusal["file"] else path
            message = f"{refusal['what']} is begun while the file is parsed"
            hint = "begin it in a task: parsing happens again and again, without connections"
            yield Diagnostic(
                where, refusal["line"], 1 if refusal["line"] else 0, "B402", message, hint
            )
        if row["error"] and not row["refused"]:
            line, said = _of_traceback(row["error"], row["file"])
            yield Diagnostic(path, line, 1 if line else 0, "B401", f"cannot be imported: {said}")
        elif row["seconds"] > SECONDS:
            message = f"takes {row['seconds']:.2f} s to parse, more than {SECONDS} s"
            hint = "import what is large inside of functions"
            yield Diagnostic(path, 0, 0, "B403", message, hint)
        if not row["same"]:
            message = "makes another DAG each time that it is parsed: a new version each time"
            hint = "use no time of day, no random numbers and no sets where the DAG is made"
            yield Diagnostic(path, 0, 0, "B404", message, hint)
    if rows and not any(row["error"] for row in rows):
        made = {name for row in rows for name in row["dags"]}
        for name in sorted(set(dag_ids) - made):
            message = f"Airflow finds no DAG '{name}'"
            yield Diagnostic("dags/.airflowignore", 0, 0, "B405", message, "look what it ignores")


def _of_traceback(text: str, file: str) -> tuple[int, str]:
    """The number of the last line of a DAG file in a traceback, and the error's text."""
    lines = re.findall(rf'/{re.escape(file)}", line (\d+)', text)
    return int(lines[-1]) if lines else 0, text.strip().splitlines()[-1]
