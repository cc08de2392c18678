"""The documents say what the code does: schemas are fresh, the README knows every word."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

import pytest

from etl_framework.authoring.schemas import FILES, schemas
from etl_framework.checks.base import Check
from etl_framework.cli import cli
from etl_framework.columns import TYPES
from etl_framework.connections.base import Connection
from etl_framework.plugins import plugins
from etl_framework.sources.base import Source
from etl_framework.targets.target import Strategy
from tests.conftest import REPOSITORY

README = (REPOSITORY / "README.md").read_text(encoding="utf-8")
WORDS = [
    *(f"etl {name}" for name in cli.commands),
    *(f"`{name}`" for base in (Source, Check, Connection) for name in plugins(base)),
    *(f"`{name}`" for name in get_args(Strategy)),
    *(name for name in TYPES),
]


@pytest.mark.parametrize("name", FILES)
def test_the_schema_files_are_those_that_the_command_writes(name: str) -> None:
    written = (REPOSITORY / FILES[name]).read_text(encoding="utf-8")

    assert written == schemas()[name], "run: etl schema"


@pytest.mark.parametrize("word", WORDS)
def test_the_readme_knows(word: str) -> None:
    assert word in README


def test_every_file_that_the_readme_names_exists() -> None:
    named = set(re.findall(r"`((?:etl_framework|pipelines|sql_templates)/[\w./]+?)/?`", README))

    assert named
    assert [name for name in sorted(named) if not (REPOSITORY / Path(name)).exists()] == []


def test_nothing_is_left_to_fill_in() -> None:
    assert "@@" not in README
