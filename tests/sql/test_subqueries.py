"""Subqueries that name columns of the query around them: which of them Redshift runs."""

from __future__ import annotations

import pytest

from etl_framework.errors import PlanError
from etl_framework.sql.blame import UntranslatableError
from tests.sql.translation import translate

SCHEMA = {"t": {"id": "INTEGER", "a": "INTEGER", "b": "INTEGER"},
          "u": {"id": "INTEGER", "c": "INTEGER", "d": "INTEGER"}}  # fmt: skip


@pytest.mark.parametrize(
    ("sql", "says", "at"),
    [
        pytest.param(
            "SELECT a FROM t WHERE NOT EXISTS "
            "(SELECT 1 FROM u WHERE NOT EXISTS (SELECT 1 FROM u AS v WHERE v.c = t.a))",
            "two levels out", "t.a", id="past the query between",
        ),
        pytest.param(
            "SELECT a FROM t WHERE b > (SELECT MAX(d) FROM (SELECT d FROM u WHERE c = a) AS v)",
            "two levels out", "a)", id="past a subquery in FROM, without the table's name",
        ),
        pytest.param(
            "SELECT t.a FROM t LEFT JOIN u ON u.id = t.id "
            "AND u.c = (SELECT MAX(v.c) FROM u AS v WHERE v.d = u.d)",
            "ON of an outer join", "u.d", id="behind ON of an outer join",
        ),
        pytest.param(
            "SELECT a FROM t WHERE b NOT IN (SELECT SUM(c) OVER () FROM u WHERE u.id = t.id)",
            "subquery with a window", "t.id", id="with a window function",
        ),
        pytest.param(
            "SELECT t.id, (SELECT COUNT(*) FROM u WHERE u.id = t.id) AS n FROM t GROUP BY n, t.id",
            "groups by no subquery", "t.id)", id="whose result the rows are grouped by",
        ),
        pytest.param(
            "SELECT a FROM t WHERE b IN (SELECT SUM(d) FROM u WHERE c > t.a GROUP BY id)",
            "IN over a grouped subquery", "t.a", id="IN over sums of groups",
        ),
    ],
)  # fmt: skip
def test_what_redshift_does_not_run(sql: str, says: str, at: str) -> None:
    with pytest.raises(PlanError, match=says) as error:
        translate(sql, SCHEMA)

    assert isinstance(error.value.__cause__, UntranslatableError)
    assert sql[error.value.__cause__.offset :].startswith(at)


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id)", id="one"),
        pytest.param("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.id = t.id AND EXISTS "
                     "(SELECT 1 FROM u AS v WHERE v.c = u.c))", id="each to the next"),
        pytest.param("SELECT a, (SELECT MAX(c) FROM u WHERE u.id = t.id) AS n FROM t",
                     id="a value"),
        pytest.param("SELECT a FROM t WHERE b IN (SELECT MAX(d) FROM u WHERE c > t.a GROUP BY id)",
                     id="IN over greatest values"),
        pytest.param("SELECT a FROM t WHERE b IN (SELECT SUM(d) FROM u GROUP BY id)",
                     id="IN over sums, without a column of the query around it"),
        pytest.param("SELECT t.a FROM t JOIN u ON u.id = t.id "
                     "AND u.c = (SELECT MAX(v.c) FROM u AS v WHERE v.d = u.d)", id="behind ON"),
        pytest.param("SELECT a FROM (SELECT a, RANK() OVER (ORDER BY a) AS r FROM t) AS x "
                     "WHERE EXISTS (SELECT 1 FROM u WHERE u.id = x.a)", id="a window elsewhere"),
        pytest.param("WITH x AS (SELECT id, a FROM t) SELECT a FROM x WHERE EXISTS "
                     "(SELECT 1 FROM u WHERE u.id = x.id)", id="a CTE"),
    ],
)  # fmt: skip
def test_what_redshift_runs(sql: str) -> None:
    assert translate(sql, SCHEMA)
