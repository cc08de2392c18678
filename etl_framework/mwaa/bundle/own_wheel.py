"""The wheel of this package for MWAA, made from the installed files, which tests have seen.

It leaves out the stand-ins for AWS, `etl dev`: no worker runs them.
"""

from __future__ import annotations

import base64
import hashlib
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from etl_framework import __version__
from etl_framework.errors import ConfigError
from etl_framework.mwaa.bundle.archive import write_zip

NAME = "etl_framework"
PACKAGE = Path(__file__).parents[2]
LEFT_OUT = PACKAGE / "devstack"
LICENSES = ("LICENSE", "NOTICE")
WHEEL = "Wheel-Version: 1.0\nGenerator: etl-framework\nRoot-Is-Purelib: true\nTag: py3-none-any\n"


def write_own_wheel(folder: Path) -> Path:
    """Write the wheel into a folder; equal packages give equal bytes, however they were built.

    :raises ConfigError: the package runs without being installed.
    """
    try:
        installed = distribution("etl-framework")
    except PackageNotFoundError as error:
        raise ConfigError("etl-framework is not installed", hint="pip install -e .") from error
    info = f"{NAME}-{__version__}.dist-info"
    files = {
        f"{NAME}/{file.relative_to(PACKAGE).as_posix()}": file.read_bytes()
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts and LEFT_OUT not in file.parents
    }
    for name in LICENSES:
        files[f"{info}/licenses/{name}"] = _license(installed, name)
    files[f"{info}/METADATA"] = _metadata(installed).encode()
    files[f"{info}/WHEEL"] = WHEEL.encode()
    files[f"{info}/entry_points.txt"] = _entry_points(installed).encode()
    rows = [f"{name},{_digest(content)},{len(content)}" for name, content in sorted(files.items())]
    files[f"{info}/RECORD"] = "\n".join([*rows, f"{info}/RECORD,,", ""]).encode()
    wheel = folder / f"{NAME}-{__version__}-py3-none-any.whl"
    write_zip(wheel, files)
    return wheel


def _license(installed: Distribution, name: str) -> bytes:
    """The installed license text; in a checkout, the one beside the package."""
    text = installed.read_text(f"licenses/{name}")
    return text.encode() if text else (PACKAGE.parent / name).read_bytes()


def _metadata(installed: Distribution) -> str:
    """The metadata fields that an installer reads; build tools differ in all others."""
    given = installed.metadata
    lines = ["Metadata-Version: 2.1", "Name: etl-framework", f"Version: {__version__}"]
    lines.append(f"Requires-Python: {given['Requires-Python']}")
    lines += [f"Requires-Dist: {requirement}" for requirement in installed.requires or []]
    lines += [f"Provides-Extra: {extra}" for extra in given.get_all("Provides-Extra") or []]
    return "\n".join([*lines, ""])


def _entry_points(installed: Distribution) -> str:
    groups: dict[str, list[str]] = {}
    for entry in sorted(installed.entry_points, key=lambda entry: (entry.group, entry.name)):
        groups.setdefault(entry.group, []).append(f"{entry.name} = {entry.value}")
    return "\n".join(f"[{group}]\n" + "\n".join(lines) + "\n" for group, lines in groups.items())


def _digest(content: bytes) -> str:
    digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=")
    return f"sha256={digest.decode()}"
