"""Rows are traced to exactly those that they are made from, by queries of every shape."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from etl_framework.errors import StepError
from etl_framework.project.models import Transform
from etl_framework.workbench.narrow import narrowed
from etl_framework.workbench.provenance import Provenance
from etl_framework.workbench.sandbox import Definition, Sandbox
from tests.thorough import amount

Rows = list[tuple[Any, ...]]
SMALL = st.one_of(st.none(), st.integers(0, 3))
A = st.lists(st.tuples(SMALL, SMALL), max_size=8)
B = st.lists(st.tuples(SMALL, st.sampled_from(["x", "y", None])), max_size=5)
# Each has COUNT(*), which every row that a result is made from changes.
EXACT = {
    "group": "SELECT k, COUNT(*) AS n, SUM(v) AS s FROM a GROUP BY k",
    "positions": "SELECT k % 2 AS half, COUNT(*) AS n FROM a WHERE v IS NOT NULL GROUP BY 1",
    "join": "SELECT b.name, COUNT(*) AS n FROM a JOIN b ON a.k = b.k GROUP BY b.name",
    "using": "SELECT name, COUNT(*) AS n FROM a JOIN b USING (k) GROUP BY name",
    "left": "SELECT a.k, COUNT(*) AS n, COUNT(b.k) AS m FROM a LEFT JOIN b ON a.k = b.k GROUP BY 1",
    "self": "SELECT x.k, COUNT(*) AS n FROM a AS x JOIN a AS y ON x.v = y.v GROUP BY x.k",
    "within": "SELECT k, COUNT(*) AS n FROM (SELECT * FROM a WHERE v > 0) GROUP BY k",
    "chain": "WITH one AS (SELECT k, v, COUNT(*) AS n FROM a GROUP BY 1, 2),"
    " two AS (SELECT one.k, SUM(n) AS n FROM one GROUP BY one.k)"
    " SELECT b.name, SUM(two.n) AS n, COUNT(*) AS m FROM two JOIN b ON b.k = two.k GROUP BY 1",
    "union": "SELECT name, COUNT(*) AS n FROM (SELECT CAST(k AS VARCHAR) AS name FROM a"
    " UNION ALL SELECT name FROM b) GROUP BY name",
    "having": "SELECT k, COUNT(*) AS n FROM a GROUP BY k HAVING COUNT(*) > 1 ORDER BY n LIMIT 9",
    "condition": "SELECT k, COUNT(*) AS n FROM a WHERE k IN (SELECT 1 UNION SELECT 2) GROUP BY k",
    "relations": "SELECT name, COUNT(*) AS m, SUM(n) AS n FROM pairs JOIN b USING (k) GROUP BY 1",
    "all": "SELECT COUNT(*) AS n, SUM(v) AS s FROM a",
    "cross": "SELECT a.k, COUNT(*) AS n FROM a CROSS JOIN b GROUP BY a.k",
    "two relations": "SELECT k, SUM(n) AS n, COUNT(*) AS m FROM pairs GROUP BY k",
}
# Rows of these may go without a change, and windows look at others.
ENOUGH = {
    "distinct": "SELECT DISTINCT k FROM a",
    "union of sets": "SELECT k FROM a UNION SELECT k FROM b",
    "rank": "WITH r AS (SELECT *, ROW_NUMBER() OVER (PARTITION BY k ORDER BY v, n) AS place"
    " FROM pairs) SELECT k, MAX(CASE WHEN place = 1 THEN v END) AS v FROM r GROUP BY k",
    "plain": "SELECT k, v + 1 AS w FROM a WHERE v < 3",
}
PAIRS = "SELECT k, v, COUNT(*) AS n FROM a GROUP BY k, v"


SESSION = duckdb.connect()
BLOCK = Transform.model_validate({"sql": "x.sql"})


def put(a: Rows, b: Rows) -> None:
    """Make the given tables, and a relation that is made from one."""
    SESSION.execute("DROP SCHEMA IF EXISTS now CASCADE; DROP SCHEMA IF EXISTS within_now CASCADE")
    SESSION.execute("CREATE SCHEMA now; SET schema = main")
    for table, names, rows in (("a", "k INTEGER, v INTEGER", a), ("b", "k INTEGER, name TEXT", b)):
        SESSION.execute(f"CREATE OR REPLACE TABLE {table} ({names})")
        if rows:
            places = ", ".join(["(?, ?)"] * len(rows))
            SESSION.execute(
                f"INSERT INTO {table} VALUES {places}", [v for row in rows for v in row]
            )


def results(sql: str, a: Rows, b: Rows) -> Rows:
    put(a, b)
    return SESSION.execute(f"WITH pairs AS ({PAIRS}) SELECT * FROM ({sql})").fetchall()


def provenance_of(sql: str, a: Rows, b: Rows) -> tuple[Provenance, str]:
    """What traces rows of the SQL's result, and the name of its first column."""
    put(a, b)
    definitions = {
        "pairs": Definition(("a",), PAIRS, BLOCK),
        "asked": Definition(("a", "b", "pairs"), sql, BLOCK),
    }
    given_rows = {name: f"SELECT * FROM main.{name}" for name in ("a", "b")}
    sandbox = Sandbox(SESSION, definitions, given_rows.get, Path(), "now", tables=True)
    sandbox.make("asked")
    first = SESSION.execute("DESCRIBE now.asked").fetchall()[0][0]
    return Provenance(SESSION, sandbox, "now"), first


def traced(sql: str, a: Rows, b: Rows, row: tuple[Any, ...]) -> dict[str, set[int]]:
    """The numbers of the given rows that a result is made from."""
    provenance, _ = provenance_of(sql, a, b)
    names = [f'"{column[0]}"' for column in SESSION.execute("DESCRIBE now.asked").fetchall()]
    values = ["NULL" if value is None else f"'{value}'" for value in row]
    pairs = zip(names, values, strict=True)
    found: dict[str, set[int]] = {"a": set(), "b": set()}
    condition = " AND ".join(f"{name} IS NOT DISTINCT FROM {value}" for name, value in pairs)
    for part, rows, of_it in provenance.trace("asked", condition):
        assert of_it <= rows
        if part.name in found:
            numbers = SESSION.execute(provenance.chosen(part)).fetchall()
            found[part.name] = {number for (number,) in numbers}
    return found


def without(rows: Rows, number: int) -> Rows:
    return rows[:number] + rows[number + 1 :]


@pytest.mark.parametrize("shape", EXACT)
@settings(max_examples=amount(6, 300), deadline=None)
@given(a=A, b=B)
def test_exactly_the_rows_that_change_a_result(shape: str, a: Rows, b: Rows) -> None:
    sql = EXACT[shape]
    for row in results(sql, a, b)[:2]:
        found = traced(sql, a, b, row)
        without_a = [row in results(sql, without(a, n), b) for n in range(len(a))]
        without_b = [row in results(sql, a, without(b, n)) for n in range(len(b))]
        assert found["a"] == {number for number, there in enumerate(without_a) if not there}
        assert found["b"] == {number for number, there in enumerate(without_b) if not there}


@pytest.mark.parametrize("shape", [*EXACT, *ENOUGH])
@settings(max_examples=amount(6, 300), deadline=None)
@given(a=A, b=B)
def test_the_rows_are_enough(shape: str, a: Rows, b: Rows) -> None:
    """The SQL over them alone gives the same result."""
    sql = {**EXACT, **ENOUGH}[shape]
    for row in results(sql, a, b)[:2]:
        found = traced(sql, a, b, row)
        some_a = [a[number] for number in sorted(found["a"])]
        some_b = [b[number] for number in sorted(found["b"])]
        assert row in results(sql, some_a, some_b)


@pytest.mark.parametrize("shape", [*EXACT, *ENOUGH])
@settings(max_examples=amount(6, 300), deadline=None)
@given(a=A, b=B)
def test_narrowed_relations_have_all_of_the_rows(shape: str, a: Rows, b: Rows) -> None:
    sql = {**EXACT, **ENOUGH}[shape]
    for row in results(sql, a, b)[:2]:
        value = row[0]
        then = f"= '{value}'" if value is not None else "IS NULL"
        provenance, name = provenance_of(sql, a, b)
        traced = list(provenance.trace("asked", f"{name} {then}"))
        queries = dict(narrowed([part for part, *_ in traced], {name: then}))
        for part, *_ in traced:
            if narrow := queries.get(part.name):
                SESSION.execute("SET schema = now")
                assert (
                    SESSION.execute(f"{provenance.rows(part)} EXCEPT ALL {narrow}").fetchall() == []
                )


def test_rows_without_a_value_are_a_group() -> None:
    a: Rows = [(None, 1), (None, 2), (1, 1)]
    assert traced(EXACT["group"], a, [], (None, 2, 3))["a"] == {0, 1}


def test_a_row_without_its_partner_is_not_narrowed_away() -> None:
    """A condition of the joined side says nothing of rows that have none there."""
    sql = "SELECT b.name, COUNT(*) AS n FROM a LEFT JOIN b ON a.k = b.k GROUP BY b.name"
    provenance, name = provenance_of(sql, [(9, 1), (1, 1)], [(1, "x"), (2, None)])
    parts = [part for part, *_ in provenance.trace("asked", f"{name} IS NULL")]
    queries = dict(narrowed(parts, {name: "IS NULL"}))
    SESSION.execute("SET schema = now")
    assert (9, 1) in SESSION.execute(queries.get("a", "SELECT * FROM a")).fetchall()


def test_a_query_that_is_called_as_what_it_reads() -> None:
    sql = "WITH a AS (SELECT * FROM a WHERE v > 1) SELECT k, COUNT(*) AS n FROM a GROUP BY k"
    assert traced(sql, [(1, 1), (1, 2), (1, 3)], [], (1, 2))["a"] == {1, 2}


def test_what_cannot_be_traced_is_said() -> None:
    recursive = (
        "WITH RECURSIVE r AS (SELECT 1 AS k UNION ALL SELECT k + 1 FROM r WHERE k < 3)"
        " SELECT * FROM r"
    )
    with pytest.raises(StepError, match="a recursive query cannot be traced"):
        traced(recursive, [], [], (1,))
