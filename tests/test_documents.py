"""The documents say what the code does: schemas are fresh, the README knows every word."""

from __future__ import annotations

import re

import pytest

from etl_framework.authoring.schemas import FILES, schemas
from etl_framework.checks.base import Check
from etl_framework.cli import own_commands
from etl_framework.columns import TYPES
from etl_framework.connections.base import Connection
from etl_framework.plugins import plugins
from etl_framework.sources.base import Source
from etl_framework.targets.strategies import STRATEGIES
from tests.conftest import REPOSITORY

# The rule of where tests lie, told with names that stand for any.
NOT_OURS = {"etl_framework/a/b.py", "tests/a/test_b.py"}
README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
WORDS = [
    *(f"etl {name}" for name in own_commands()),
    *(f"`{name}`" for base in (Source, Check, Connection) for name in plugins(base)),
    *(f"`{name}`" for name in STRATEGIES),
    *(name for name in TYPES),
]


@pytest.mark.parametrize("name", FILES)
def test_the_schema_files_are_those_that_the_command_writes(name: str) -> None:
    written = (REPOSITORY / FILES[name]).read_text(encoding="utf-8")

    assert written == schemas()[name], "run: etl schema"


@pytest.mark.parametrize("word", WORDS)
def test_the_readme_knows(word: str) -> None:
    assert word in README


@pytest.mark.parametrize("document", ["README.md", "docs/contributing.md"])
def test_every_file_that_a_document_names_exists(document: str) -> None:
    """By its path from the repository or, as people write it, from the package."""
    text = (REPOSITORY / document).read_text(encoding="utf-8")
    named = {*re.findall(r"`([a-z_]+/[\w./]+?)/?`", text)} - NOT_OURS
    gone = [
        name
        for name in sorted(named)
        if not (REPOSITORY / name).exists() and not (REPOSITORY / "etl_framework" / name).exists()
    ]

    assert named
    assert gone == []


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
