"""A real YAML language server, installed once by npm."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from etl_framework.storage.lock import locked
from tests.conftest import REPOSITORY
from tests.editors.client import Editor

SERVER = "yaml-language-server@1.19.2"
SETTINGS = {
    "yaml": {
        "validate": True,
        "hover": True,
        "completion": True,
        "schemaStore": {"enable": False},
    }
}


@pytest.fixture(scope="session")
def npm() -> Callable[[str], Path]:
    """Installs a package of npm under `.venv`, unless it is there; gives its folder."""
    if not (program := shutil.which("npm")):
        pytest.skip("npm is not installed")

    def install(package: str) -> Path:
        folder = REPOSITORY / ".venv" / "npm" / package.replace("@", "-")
        folder.mkdir(parents=True, exist_ok=True)
        command = [program, "install", "--no-audit", "--no-fund", "--prefix", folder, package]
        # Other processes of the tests need it at the same time, and wait until it is whole.
        with locked(folder / ".lock", wait=True):
            if not (folder / ".installed").exists():
                subprocess.run(command, check=True, capture_output=True, timeout=300)
                (folder / ".installed").touch()
        return folder

    return install


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository's own project, with the schemas beside it."""
    root = tmp_path_factory.mktemp("editor")
    for name in ("pipelines", "sql_templates"):
        shutil.copytree(REPOSITORY / name, root / name)
    for name in ("environments.yml", "pipeline.schema.json", "environments.schema.json"):
        shutil.copy(REPOSITORY / name, root)
    return root


@pytest.fixture(scope="module")
def editor(npm: Callable[[str], Path], project: Path) -> Iterator[Editor]:
    """An editor that the server runs in."""
    server = npm(SERVER) / "node_modules/.bin/yaml-language-server"
    opened = Editor([server, "--stdio"], project, SETTINGS)
    yield opened
    opened.kill()
