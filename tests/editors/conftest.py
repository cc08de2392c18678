"""A real YAML language server, installed once by npm."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

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
def language_server() -> Path:
    """The server's program, under `.venv`."""
    if not (npm := shutil.which("npm")):
        pytest.skip("npm is not installed")
    folder = REPOSITORY / ".venv" / "npm" / SERVER.replace("@", "-")
    program = folder / "node_modules/.bin/yaml-language-server"
    if not program.exists():
        folder.mkdir(parents=True, exist_ok=True)
        command = [npm, "install", "--no-audit", "--no-fund", "--prefix", folder, SERVER]
        subprocess.run(command, check=True, capture_output=True, timeout=300)
    return program


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
def editor(language_server: Path, project: Path) -> Iterator[Editor]:
    """An editor that the server runs in."""
    opened = Editor([language_server, "--stdio"], project, SETTINGS)
    yield opened
    opened.kill()
