"""Divisors that are never zero, and those that may be."""

from __future__ import annotations

import pytest

from etl_framework.lint.linter import Linter
from tests.conftest import Folder

COUNTED = (
    "WITH c AS (SELECT customer, COUNT(*) AS n, SUM(amount) AS a FROM orders GROUP BY customer)"
)


@pytest.mark.parametrize(
    ("sql", "found"),
    [
        pytest.param(f"{COUNTED} SELECT customer, a / c.n FROM c", 0, id="a group's rows"),
        pytest.param(f"{COUNTED} SELECT customer, n / a AS x FROM c", 1, id="a sum of a CTE"),
        pytest.param(
            "SELECT customer, amount / n FROM (SELECT customer, amount, 2 AS n FROM orders) AS t",
            0,
            id="a number of a subquery",
        ),
        pytest.param(
            "SELECT customer, amount / n FROM "
            "(SELECT customer, amount, COUNT(*) AS n FROM orders GROUP BY 1, 2) AS t "
            "JOIN (SELECT customer AS c, SUM(amount) AS m FROM orders GROUP BY 1) AS u "
            "ON u.c = t.customer",
            0,
            id="of one of two",
        ),
        pytest.param(
            "SELECT customer, amount / amount AS x FROM orders", 1, id="a source's column"
        ),
    ],
)
def test_a_divisor_that_is_never_zero(orders: Folder, sql: str, found: int) -> None:
    orders.write("sql_templates/orders/totals.sql", f"-- One row per order.\n{sql}")

    problems = Linter(orders.root).look(["sql_templates"])

    assert [problem.code for problem in problems].count("W403") == found, problems
