"""What every engine keeps, and how one is found by its name."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlglot.dialects.dialect import Dialect

from etl_framework.engines.base import Engine, engine_of
from etl_framework.plan.compilation import Compiled
from etl_framework.plugins import engine_class, engine_names
from etl_framework.project.environments import Environment
from tests.conftest import REPOSITORY, Folder

CONNECTIONS = {"w": {"type": "redshift", "host": "h", "database": "d", "user": "u", "cluster": "c"}}
ENGINES = pytest.mark.parametrize("name", engine_names())


def environment(**settings: object) -> Environment:
    staging = "s3://bucket/staging"
    given = {"staging": staging, "connections": CONNECTIONS, **settings}
    return Environment.model_validate(given)


def test_an_engine_is_a_folder_with_its_name() -> None:
    folders = {
        file.parent.name for file in (REPOSITORY / "etl_framework/engines").glob("*/engine.py")
    }

    assert set(engine_names()) == folders
    assert {"duckdb", "redshift"} <= folders


@ENGINES
def test_it_says_what_it_is_and_does_every_kind_of_step(name: str) -> None:
    engine = engine_class(name)

    assert issubclass(engine, Engine)
    assert engine.__doc__ and engine.__doc__ != Engine.__doc__
    assert not inspect.isabstract(engine)
    assert Dialect.get(engine.dialect)


@ENGINES
def test_it_has_no_state(name: str) -> None:
    assert vars(engine_class(name)()) == {}


@ENGINES
def test_its_sql_is_that_of_the_query(name: str) -> None:
    query = Compiled("k", (), "SELECT {{ 1 }}", "duckdb's", (), "redshift's")

    assert engine_class(name)().sql(query) in (query.sql, query.rendered)


@ENGINES
def test_an_environment_finds_it(name: str) -> None:
    assert type(engine_of(environment(engine=name))) is engine_class(name)


def test_an_engine_that_is_not_there() -> None:
    with pytest.raises(ValidationError, match="'duckdb' or 'redshift'"):
        environment(engine="duckbd")


def test_an_environment_that_lacks_what_its_engine_needs() -> None:
    with pytest.raises(ValidationError, match="needs one connection of type redshift"):
        environment(engine="redshift", connections={"w": {"type": "duckdb", "path": "w"}})


def test_only_a_cluster_has_schemas_and_rows_without_a_place() -> None:
    redshift, duckdb = engine_class("redshift")(), engine_class("duckdb")()
    given = environment(engine="redshift")

    assert redshift.schemas(given, given.connections["w"]) == ("etl_staging",)
    assert duckdb.schemas(given, given.connections["w"]) == ()
    assert (redshift.corrects_quarantined, duckdb.corrects_quarantined) == (False, True)


def test_no_other_file_asks_which_engine_it_is() -> None:
    """An engine that is added is one folder: nothing else compares its name."""
    asking = [
        str(file.relative_to(REPOSITORY))
        for file in Path(REPOSITORY / "etl_framework").rglob("*.py")
        if "engine == " in file.read_text() or 'engine != "' in file.read_text()
    ]

    assert asking == []


def test_what_the_cluster_cannot_do_stops_a_plan(orders: Folder) -> None:
    """A target that lies elsewhere is told at its place."""
    file = orders.root / "environments.yml"
    text = file.read_text()
    cluster = "      cluster: {type: redshift, host: h, database: d, user: u, cluster: c}\n"
    text = text.replace("local:\n", "local:\n    engine: redshift\n", 1)
    text = re.sub(r"staging: .*", 'staging: "s3://b/s"', text)
    file.write_text(text.replace("connections:\n", f"connections:\n{cluster}", 1))

    planned = orders.etl("plan", "orders")

    assert planned.returncode == 2
    assert "E306" in planned.stderr and "is not in the cluster" in planned.stderr
