"""The wheel of this package, built as an installer or a release builds it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

NEEDED = ("setup.cfg", "pyproject.toml", "README.md", "LICENSE", "NOTICE")


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from a copy: a build leaves files beside the sources."""
    root = tmp_path_factory.mktemp("sources")
    for name in NEEDED:
        shutil.copy(REPOSITORY / name, root)
    ignored = shutil.ignore_patterns("__pycache__")
    shutil.copytree(REPOSITORY / "etl_framework", root / "etl_framework", ignore=ignored)
    uv = Path(sys.executable).with_name("uv")
    command = [uv, "build", "--quiet", "--offline", "--wheel", "--out-dir", root / "dist", root]
    subprocess.run(command, check=True)
    (built,) = (root / "dist").glob("*.whl")
    return built


@pytest.mark.parametrize("name", ["LICENSE", "NOTICE"])
def test_the_wheel_has_the_license(wheel: Path, name: str) -> None:
    with zipfile.ZipFile(wheel) as archive:
        (folder,) = {
            entry.partition("/")[0] for entry in archive.namelist() if "dist-info" in entry
        }
        metadata = Parser().parsestr(archive.read(f"{folder}/METADATA").decode())
        text = archive.read(f"{folder}/licenses/{name}")

    assert text == (REPOSITORY / name).read_bytes()
    assert name in (metadata.get_all("License-File") or [])
    assert "Apache-2.0" in (metadata["License-Expression"] or metadata["License"])


def test_the_license_is_the_whole_text() -> None:
    lines = (REPOSITORY / "LICENSE").read_text(encoding="utf-8").split("\n")

    assert lines[1].strip() == "Apache License"
    assert "   END OF TERMS AND CONDITIONS" in lines
    assert len(lines) > 200
