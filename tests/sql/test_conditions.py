"""Conditions of checks reach nothing but the row that they judge."""

from __future__ import annotations

import pytest

from etl_framework.errors import PlanError
from etl_framework.sql.conditions import transpile_condition


@pytest.mark.parametrize("to", ["duckdb", "redshift"])
@pytest.mark.parametrize(
    "condition",
    [
        "read_text('/proc/self/environ') IS NULL",
        "(SELECT MAX(content) FROM read_text('/etc/hostname')) IS NULL",
        "EXISTS (SELECT 1 FROM '/etc/passwd')",
        'EXISTS (SELECT 1 FROM "/etc/passwd")',
        "getenv('HOME') = ''",
        "system.main.getenv('HOME') = ''",
        "current_setting('home_directory') = ''",
        "query('SELECT 1') = 1",
    ],
)
def test_a_condition_that_reaches_out_is_refused(condition: str, to: str) -> None:
    with pytest.raises(PlanError):
        transpile_condition(condition, to=to)


@pytest.mark.parametrize(
    "condition",
    ["LENGTH(a) > 3", "a IN (1, 2) AND NOT (b LIKE 'x%')", "DATE_TRUNC('day', t) = t",
     '"a" NOT IN (SELECT "b" FROM "parents" WHERE "b" IS NOT NULL)'],
)  # fmt: skip
def test_other_conditions_are_taken(condition: str) -> None:
    assert transpile_condition(condition, to="duckdb").startswith("(")
