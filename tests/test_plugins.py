"""Plug-ins: found when their class is there, told apart by name, documented."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import pytest

from etl_framework.checks.base import Check, TableCheck
from etl_framework.connections.base import Connection
from etl_framework.errors import ConfigError
from etl_framework.lint.policies.base import Policy
from etl_framework.model import Model
from etl_framework.plugins import plugins, type_name
from etl_framework.sources.base import Source
from tests.conftest import REPOSITORY

BASES: list[type[Model]] = [Source, Check, Connection, Policy]
EVERY = [
    pytest.param(name, plugin, id=f"{base.__name__.lower()} {name}")
    for base in BASES
    for name, plugin in plugins(base).items()
    if plugin.__module__.startswith("etl_framework")
]


@pytest.fixture
def dropped_in() -> Iterator[list[type[Model]]]:
    """Classes that a test makes; gone after it."""
    made: list[type[Model]] = []
    yield made
    made.clear()
    gc.collect()


def test_a_class_that_is_there_is_found(dropped_in: list[type[Model]]) -> None:
    class Odd(TableCheck):
        """Odd rows."""

        type: Literal["odd"]

    dropped_in.append(Odd)

    assert plugins(Check)["odd"] is Odd
    assert list(plugins(Check)) == sorted(plugins(Check))


def test_two_of_one_name_are_an_error(dropped_in: list[type[Model]]) -> None:
    class Again(Connection):
        """A second folder."""

        type: Literal["directory"]

    dropped_in.append(Again)

    with pytest.raises(ConfigError, match="two plug-ins are called 'directory'"):
        plugins(Connection)


@pytest.mark.parametrize("base", BASES, ids=lambda base: base.__name__)
def test_bases_without_a_type_are_no_plugins(base: type[Model]) -> None:
    assert base not in plugins(base).values()
    assert all(name and name.islower() for name in plugins(base))


@pytest.mark.parametrize(("name", "plugin"), EVERY)
def test_every_plugin_has_a_type_and_says_what_it_is(name: str, plugin: type[Model]) -> None:
    assert type_name(plugin) == name
    assert plugin.model_fields["type"].is_required()
    assert plugin.__dict__.get("__doc__")
    # Types of policies are small: those about one thing share a file.
    assert issubclass(plugin, Policy) or name in plugin.__module__


@pytest.mark.parametrize(("name", "plugin"), EVERY)
def test_every_field_has_a_description(name: str, plugin: type[Model]) -> None:
    missing = [
        field
        for field, info in plugin.model_fields.items()
        if field != "type" and not (info.description or "").endswith(".")
    ]

    assert missing == []


def test_installed_packages_are_looked_through_once_for_all_groups() -> None:
    count = """
import importlib.metadata, sys
entry_points, looks = importlib.metadata.entry_points, []
def counting(**of):
    looks.append(sys._getframe(1).f_globals["__name__"])
    return entry_points(**of)
importlib.metadata.entry_points = counting
from etl_framework.cli import main
sys.argv = ["etl", "lint", "--no-cache"]
try:
    main()
except SystemExit:
    print(looks.count("etl_framework.plugins"))
"""
    program = [sys.executable, "-c", count]

    done = subprocess.run(program, capture_output=True, text=True, check=True)

    assert done.stdout.split()[-1] == "1", done


MINE = """
from typing import Literal
from etl_framework.sources.base import Source
from etl_framework.connections.base import Connection
from etl_framework.checks.base import Check

class MySource(Source):
    type: Literal["my_source"]

class MyCheck(Check):
    type: Literal["my_check"]

class MyConnection(Connection):
    type: Literal["my_connection"]
"""
KNOWN = """
import importlib, sys
importlib.import_module(sys.argv[1])
from etl_framework.connections.base import Connection
from etl_framework.plugins import plugins
from etl_framework.sources.base import Source
sources = plugins(Source)
assert "my_connection" in plugins(Connection)
assert all("my_check" in str(sources[name].model_json_schema()) for name in ("my_source", "csv"))
"""


@pytest.mark.parametrize(
    "first",
    ["sources.base", "sources.files", "checks.base", "connections.base", "project.environments"],
)
def test_a_package_may_bring_all_kinds_whatever_is_imported_first(
    tmp_path: Path, first: str
) -> None:
    facts = tmp_path / "etl_mine-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: etl-mine\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text("[etl_framework.plugins]\nmine = mine\n")
    (tmp_path / "mine.py").write_text(MINE)
    program = [sys.executable, "-c", KNOWN, f"etl_framework.{first}"]
    path = f"{tmp_path}{os.pathsep}{REPOSITORY}"

    subprocess.run(program, check=True, env={**os.environ, "PYTHONPATH": path})
