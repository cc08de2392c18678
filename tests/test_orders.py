"""The shared small project runs at all."""

from __future__ import annotations

from tests.conftest import Folder


def test_a_small_project_runs(orders: Folder) -> None:
    results = orders.run("orders")

    assert results["extract.orders"].counts == {"read": 3, "kept": 3, "rejected": 0}
    assert orders.query("SELECT customer, orders, amount::varchar FROM totals ORDER BY 1") == [
        ("ada", 2, "15.75"),
        ("bob", 1, "20.00"),
    ]
