"""One meaning: what SQL gives on DuckDB and on the stand-in is what Redshift's guide says."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import duckdb
import psycopg2
import pytest
import sqlglot
import yaml

from etl_framework.columns import ColumnType
from etl_framework.devstack.stack import Stack
from etl_framework.errors import PlanError
from etl_framework.sql.planner import config
from etl_framework.sql.quote import literal
from tests.conftest import REPOSITORY
from tests.fuzz.sql import connected
from tests.sql.translation import translate

CASES = yaml.safe_load((REPOSITORY / "tests/cases/dialect.yml").read_text(encoding="utf-8"))
FEATURES = [pytest.param(each["sql"], each["rows"], id=each["name"]) for each in CASES["features"]]
OF_BOTH = [
    feature
    for feature, each in zip(FEATURES, CASES["features"], strict=True)
    if each.get("only") != "duckdb"
]
TABLE, TYPES = CASES["table"], {n: ColumnType.parse(t) for n, t in CASES["columns"].items()}
SCHEMA = {TABLE: {name: type_.duckdb for name, type_ in TYPES.items()}}
# The stand-in is for laptops, which have the newest sqlglot; images of MWAA have others.
OLD = tuple(map(int, sqlglot.__version__.split(".")[:2])) < (30, 30)


def insert(types: dict[str, str]) -> list[str]:
    """The statements that make the table on an engine with these types."""
    definitions = ", ".join(f"{name} {type_}" for name, type_ in types.items())
    rows = ", ".join(literal(row) for row in CASES["rows"])
    return [f"CREATE TABLE {TABLE} ({definitions})", f"INSERT INTO {TABLE} VALUES {rows}"]


@pytest.fixture(scope="module")
def embedded() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config=config()) as connection:
        connection.execute("SET TimeZone = 'UTC'")
        for sql in insert({name: type_.duckdb for name, type_ in TYPES.items()}):
            connection.execute(sql)
        yield connection


@pytest.fixture(scope="module")
def cluster(running_stack: Stack) -> Iterator[Any]:
    running_stack.empty()
    connection = connected(running_stack)
    with connection.cursor() as cursor:
        cursor.execute("SET TIME ZONE 'UTC'")
        for sql in insert({name: str(type_) for name, type_ in TYPES.items()}):
            cursor.execute(sql)
        yield cursor
    connection.close()


def plain(value: Any) -> Any:
    """A value as the cases write it; how many digits a number is given with does not matter."""
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float | Decimal):
        return round(Decimal(str(value)), 9).normalize() + 0
    return str(value) if isinstance(value, date | datetime) else value


def rows(found: Any) -> list[list[Any]]:
    return [[plain(value) for value in row] for row in found]


@pytest.mark.parametrize(("sql", "expected"), FEATURES)
def test_on_duckdb(embedded: duckdb.DuckDBPyConnection, sql: str, expected: list[Any]) -> None:
    translated = translate(sql, SCHEMA)

    assert rows(embedded.execute(translated).fetchall()) == rows(expected), translated


@pytest.mark.parametrize(("sql", "expected"), OF_BOTH)
def test_on_the_stand_in(cluster: Any, sql: str, expected: list[Any]) -> None:
    if OLD and "GROUPING SETS" in sql:
        pytest.skip("the stand-in sorts these by a newer sqlglot alone")
    cluster.execute(sql)

    assert rows(cluster.fetchall()) == rows(expected)


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        pytest.param("SELECT SUM(id) OVER (ORDER BY id) AS v FROM plays", "wants a frame",
                     id="an aggregate over a window with an order and no frame"),
        pytest.param("SELECT FIRST_VALUE(id) OVER (ORDER BY id) AS v FROM plays", "wants a frame",
                     id="FIRST_VALUE without a frame"),
        pytest.param("SELECT SUM(id) OVER (ORDER BY id RANGE UNBOUNDED PRECEDING) AS v FROM plays",
                     "no RANGE", id="RANGE"),
        pytest.param("SELECT DATEDIFF(week, day, day) AS v FROM plays", "begins on",
                     id="DATEDIFF of weeks"),
        pytest.param("SELECT p.id AS v FROM plays AS p WHERE NOT EXISTS (SELECT 1 FROM plays AS q "
                     "WHERE NOT EXISTS (SELECT 1 FROM plays AS r WHERE r.id = p.id))",
                     "two levels out", id="a subquery of a subquery that looks two levels out"),
    ],
)  # fmt: skip
def test_what_redshift_refuses_is_refused(cluster: Any, sql: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        translate(sql, SCHEMA)
    if OLD and says == "two levels out":
        pytest.skip("the stand-in sees these with a newer sqlglot alone")
    with pytest.raises(psycopg2.Error, match=says):
        cluster.execute(sql)


@pytest.mark.parametrize(
    ("expression", "says"),
    [
        pytest.param("TO_CHAR(price, '999D99')", "TO_CHAR of a number", id="TO_CHAR of a number"),
        pytest.param("TO_CHAR(day, 'Month')", "'Month' of a date", id="a blank-padded month"),
        pytest.param("MAX(note) SIMILAR TO MAX(note)", "written as a text", id="SIMILAR TO"),
    ],
)
def test_what_cannot_mean_the_same_on_duckdb_is_an_error(expression: str, says: str) -> None:
    with pytest.raises(PlanError, match=says):
        translate(f"SELECT {expression} AS v FROM plays", SCHEMA)


@pytest.mark.parametrize(
    "expression",
    ["id / (id - 1)", "price / (id - 1)", "ratio / (id - 1)", "id % (id - 1)", "MOD(7, id - 1)"],
)
def test_division_by_zero_is_an_error(
    embedded: duckdb.DuckDBPyConnection, cluster: Any, expression: str
) -> None:
    sql = f"SELECT {expression} AS v FROM plays"

    with pytest.raises(duckdb.Error, match="division by zero"):
        embedded.execute(translate(sql, SCHEMA)).fetchall()
    with pytest.raises(psycopg2.Error, match=r"(?i)divi\w+ by zero"):
        cluster.execute(sql)


@pytest.mark.skipif(duckdb.__version__ < "1.4", reason="DuckDB has MERGE since 1.4")
def test_merge(embedded: duckdb.DuckDBPyConnection, cluster: Any) -> None:
    statements = [
        "CREATE TABLE kept (id integer, note varchar(9))",
        "CREATE TABLE news (id integer, note varchar(9))",
        "INSERT INTO kept VALUES (1, 'old'), (2, 'old')",
        "INSERT INTO news VALUES (2, 'new'), (3, 'new')",
        "MERGE INTO kept USING news ON kept.id = news.id "
        "WHEN MATCHED THEN UPDATE SET note = news.note "
        "WHEN NOT MATCHED THEN INSERT (id, note) VALUES (news.id, news.note)",
    ]
    for engine in (embedded, cluster):
        for sql in statements:
            engine.execute(sql)
        engine.execute("SELECT id, note FROM kept ORDER BY id")
        assert engine.fetchall() == [(1, "old"), (2, "new"), (3, "new")]


def test_a_table_made_of_a_query(cluster: Any) -> None:
    cluster.execute("CREATE TABLE ends DISTSTYLE ALL AS SELECT id, LAST_DAY(day) AS v FROM plays")
    cluster.execute("INSERT INTO ends SELECT id + 10, TRUNC(played_at) FROM plays")
    cluster.execute("SELECT v FROM ends WHERE id IN (2, 12) ORDER BY id")

    assert cluster.fetchall() == [(date(2024, 2, 29),), (date(2024, 2, 29),)]
