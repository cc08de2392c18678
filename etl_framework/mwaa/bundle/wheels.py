"""Check whether wheels fit the machines that MWAA runs on."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import cache
from pathlib import Path

from etl_framework.errors import Diagnostic, MissingExtraError
from etl_framework.platforms.mwaa import MwaaVersion, normalized

OLD_NAMES = {(2, 5): "manylinux1", (2, 12): "manylinux2010", (2, 17): "manylinux2014"}


def name_and_version(wheel: Path) -> tuple[str, str]:
    """A wheel's package, normalized, and its version."""
    name, version = wheel.name.split("-")[:2]
    return normalized(name), version


def unfitting(wheels: Iterable[Path], version: MwaaVersion) -> Iterator[Diagnostic]:
    """A finding for every wheel that the image of a version cannot install."""
    for wheel in sorted(wheels):
        tags = tags_of(wheel)
        if not tags & _supported(version):
            said = ", ".join(sorted(tags)) or "nothing that can be read"
            major, minor = version.glibc
            yield Diagnostic(
                str(wheel.name),
                0,
                0,
                "B201",
                f"is for {said}; MWAA {version.airflow} runs Python {version.python} on Linux, "
                f"{version.platform}, glibc {major}.{minor}",
                hint="take the wheel for cp"
                f"{version.python.replace('.', '')} and manylinux up to {major}_{minor}, "
                "or one that is py3-none-any",
            )


def tags_of(wheel: Path) -> set[str]:
    """The tags in a wheel's file name; empty if it is no valid name of a wheel."""
    try:
        from packaging.utils import InvalidWheelFilename, parse_wheel_filename
    except ImportError as error:
        raise MissingExtraError("packaging", "mwaa") from error
    try:
        return {str(tag) for tag in parse_wheel_filename(wheel.name)[3]}
    except InvalidWheelFilename:
        return set()


def platforms(version: MwaaVersion) -> list[str]:
    """The platforms whose wheels an image accepts, newest first."""
    major, newest = version.glibc
    names = []
    for minor in range(newest, 4, -1):
        names.append(f"manylinux_{major}_{minor}_{version.platform}")
        if old := OLD_NAMES.get((major, minor)):
            names.append(f"{old}_{version.platform}")
    return [*names, f"linux_{version.platform}"]


@cache
def _supported(version: MwaaVersion) -> frozenset[str]:
    from packaging.tags import compatible_tags, cpython_tags

    major, minor = (int(part) for part in version.python.split("."))
    interpreter = f"cp{major}{minor}"
    of = platforms(version)
    return frozenset(
        str(tag)
        for tags in (
            cpython_tags((major, minor), abis=[interpreter], platforms=of),
            compatible_tags((major, minor), interpreter=interpreter, platforms=of),
        )
        for tag in tags
    )
