"""What breaks in SQL while it runs is told at its place in the template."""

from __future__ import annotations

import pytest

from etl_framework.errors import StepError
from tests.conftest import Folder

TOTALS = "SELECT customer, 1 AS orders, CAST(1 AS DECIMAL(12,2)) AS amount FROM orders\nWHERE {}\n"


@pytest.mark.parametrize(
    ("condition", "column", "says"),
    [
        ("order_id > 0 AND customer::integer > 3", 24, "Could not convert string 'ada' to integer"),
        ("order_id = customer", 18, "Could not convert string 'ada' to integer"),
        ("CAST(customer AS DATE) > '2024-01-01'", 7, 'invalid date field format: "ada"'),
        ("10 / (order_id - 1) > 1", 10, "division by zero"),
    ],
)
def test_the_place_of_an_error(orders: Folder, condition: str, column: int, says: str) -> None:
    orders.write("sql_templates/orders/totals.sql", "-- One row.\n" + TOTALS.format(condition))

    with pytest.raises(StepError) as raised:
        orders.run("orders")

    (problem,) = raised.value.diagnostics
    assert (problem.path, problem.line) == ("sql_templates/orders/totals.sql", 3)
    assert says in problem.message and problem.hint
    assert problem.column == column
