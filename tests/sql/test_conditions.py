"""Conditions of checks mean what they mean in a query, and reach nothing but the row they judge."""

from __future__ import annotations

from collections.abc import Iterator

import duckdb
import pytest

from etl_framework.errors import PlanError
from etl_framework.sql.conditions import (
    condition_problems,
    duckdb_condition,
    read_condition,
    redshift_condition,
)
from etl_framework.sql.planner import EmptyTables
from etl_framework.sql.scope import ScopeProblem

COLUMNS = {
    "s": "VARCHAR", "d": "DECIMAL(10,2)", "i": "INTEGER", "f": "DOUBLE", "day": "DATE",
    "at": "TIMESTAMP", "b": "BOOLEAN",
}  # fmt: skip
ROW = (
    "SELECT 'a_b' AS s, CAST(15 AS DECIMAL(10,2)) AS d, CAST(7 AS INTEGER) AS i, "
    "CAST(0.5 AS DOUBLE) AS f, DATE '2024-01-31' AS day, TIMESTAMP '2024-01-31 10:20:30' AS at, "
    "TRUE AS b"
)


@pytest.fixture
def tables() -> Iterator[EmptyTables]:
    tables = EmptyTables()
    yield tables
    tables.close()


def problems(condition: str, tables: EmptyTables) -> list[ScopeProblem]:
    return list(condition_problems(condition, "t", COLUMNS, tables))


TRUE = [
    "i / 2 = 3",
    "t.i / 2 = 3",
    "ROUND(d / 1000, 2) = 0.02",
    "ROUND(4.985 / 1, 2) = 4.99",
    r"s LIKE 'a\\_b' AND NOT 'axb' LIKE 'a\\_b'",
    r"s SIMILAR TO 'a\\_b|c'",
    "ADD_MONTHS(day, 1) = '2024-02-29'",
    "DATEADD(month, 1, day) = '2024-02-29'",
    "DATEDIFF(hour, at, '2024-01-31 11:00:00') = 1",
    "TRUNC(at) = day",
    "NVL(s, '') = 'a_b' AND b",
    "s NOT IN ('x', 'y') OR (i BETWEEN 1 AND 3)",
    "at >= '2024-01-31' AND day = '2024-1-31'",
    "d > '14.9' AND i = '7' AND b = 'yes'",
    "f = 0.5 AND d = 15",
    "LEN(s) = 3 AND s ~ '^a'",
    "CASE WHEN i > 3 THEN s END = 'a_b'",
]


@pytest.mark.parametrize("condition", TRUE)
def test_a_condition_means_what_it_means_in_redshift(condition: str, tables: EmptyTables) -> None:
    assert not problems(condition, tables)
    sql = duckdb_condition(condition, "t", COLUMNS)
    with duckdb.connect() as connection:
        rows = connection.execute(f"SELECT {sql} FROM ({ROW}) AS anything").fetchall()

    assert rows == [(True,)]


def test_redshift_reads_a_condition_as_it_is_written() -> None:
    assert redshift_condition("NVL( a,0) = 1 OR b") == "(NVL( a,0) = 1 OR b)"


def test_a_condition_over_unknown_columns_is_translated_without_their_types() -> None:
    assert duckdb_condition("NVL(a, 0) = 1", "t", None) == "(COALESCE(a, 0) = 1)"


@pytest.mark.parametrize(
    ("condition", "code", "at", "says"),
    [
        ("read_text('/proc/self/environ') IS NULL", "E309", 0, "has no function READ_TEXT"),
        ("(SELECT MAX(content) FROM read_text('/etc/hostname')) IS NULL", "E309", 26, "READ_TEXT"),
        ("EXISTS (SELECT 1 FROM '/etc/passwd')", "E309", None, "no other rows than its own"),
        ('EXISTS (SELECT 1 FROM "/etc/passwd")', "E309", None, "no other rows than its own"),
        ("i IN (SELECT i FROM t)", "E309", None, "no other rows than its own"),
        ("getenv('HOME') = ''", "E309", 0, "GETENV"),
        ("system.main.getenv('HOME') = ''", "E309", 0, "GETENV"),
        ("current_setting('home_directory') = ''", "E309", 0, "CURRENT_SETTING"),
        ("query('SELECT 1') = 1", "E309", 0, "QUERY"),
        ("SUM(i) > 3", "E309", None, "no other rows than its own"),
        ("ROW_NUMBER() OVER (ORDER BY i) = 1", "E309", None, "no other rows than its own"),
        ("i + 1", "E309", 0, "is true or false, not a number"),
        ("s", "E309", 0, "is true or false, not a text"),
        ("s == 'a'", "E309", 2, "has no operator =="),
        ("i > 0 AND nope > 1", "E308", 10, "unknown column 'nope'"),
        ("i > 0 AND t.nope > 1", "E308", 12, "unknown column 'nope' in 't'"),
        ("i > 0 AND other.i > 1", "E308", 10, "unknown table 'other'"),
        ("i > 0 AND day = 3", "E309", 10, "a moment cannot be compared with a number"),
        ("day IN ('2024-01-31', '31.01.2024')", "E309", 22, "'31.01.2024' is no date in"),
        ("at BETWEEN '2024-01-01' AND '2024-02-30'", "E309", 28, "'2024-02-30' is no date"),
        ("i = '1.5'", "E309", 4, "'1.5' is no whole number"),
        ("d < 'abc'", "E309", 4, "'abc' is no number"),
        ("b = 'maybe'", "E309", 4, "'maybe' is no boolean"),
        ("DATE_PART(foo, day) = 3", "E309", None, "a date has no part 'foo'"),
        ("i > ", "E309", None, "does not parse"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_a_condition_is_told_at_its_place(
    condition: str, code: str, at: int | None, says: str, tables: EmptyTables
) -> None:
    problem = problems(condition, tables)[0]

    assert (problem.code, says in problem.message) == (code, True), problem
    assert at in (None, problem.offset)


def test_every_problem_of_a_condition_is_told(tables: EmptyTables) -> None:
    said = problems("day = 3 OR i = 'x' OR at > 'noon'", tables)

    assert [problem.offset for problem in said] == [0, 15, 27]


@pytest.mark.parametrize(
    "condition",
    ["", "a = 'x", "a =", "1 = 1; DROP TABLE x", "a = 1) OR (b = 2", "1 = 1) --", "a = 1 /*",
     "a = 1) UNION SELECT (1", "a = 1;", "a = 1 -- x", "*", "SELECT 1"],
)  # fmt: skip
def test_what_is_no_condition_is_refused(condition: str, tables: EmptyTables) -> None:
    for reader in (read_condition, redshift_condition):
        with pytest.raises(PlanError):
            reader(condition)
    assert problems(condition, tables)
