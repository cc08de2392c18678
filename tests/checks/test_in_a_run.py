"""Checks in whole runs: nothing bad is published, quarantined rows are seen by nobody."""

from __future__ import annotations

from typing import Any

import duckdb
import pytest
import yaml

from etl_framework.engines.duckdb.session import Database
from etl_framework.errors import CheckFailedError
from etl_framework.project.project import load_project
from etl_framework.run.show import rows_of
from tests.checks.conftest import Checked
from tests.conftest import Folder

CHECKS = """    checks:
      - {type: accepted_range, column: amount, min: 0, on_fail: quarantine, error_if: ">50%"}
    columns:"""


def with_checks(orders: Folder) -> Folder:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("    columns:", CHECKS, 1))
    return orders


def test_downstream_does_not_see_quarantined_rows(orders: Folder) -> None:
    with_checks(orders).write(
        "lake/orders/2.csv", "order_id,customer,amount,ordered_at\n8,eve,-1,2024-06-25\n,ada,7,\n"
    )

    results = orders.run("orders")

    assert results["check.orders"].counts == {"rows": 5, "kept": 3, "quarantined": 2}
    assert orders.query("SELECT customer, orders FROM totals ORDER BY 1") == [
        ("ada", 2), ("bob", 1),
    ]  # fmt: skip
    columns, rejected = rows_of(load_project(orders.root), None, "quarantine.orders", None, 0)
    place = columns.index("rule")
    assert sorted(row[place] for row in rejected) == ["accepted_range amount", "required"]
    lines = sorted(row[columns.index("row")] for row in rejected)
    assert lines == [",ada,7,", "8,eve,-1,2024-06-25"]


def test_too_many_quarantined_rows_leave_the_warehouse_as_it_was(orders: Folder) -> None:
    with_checks(orders).run("orders")
    tables = "SELECT * FROM totals ORDER BY 1", "SELECT * FROM etl_ledger"
    before = [orders.query(table) for table in tables]
    orders.write(
        "lake/orders/2.csv",
        "order_id,customer,amount,ordered_at\n" + "8,eve,-1,2024-06-25\n" * 4,
    )

    with pytest.raises(CheckFailedError, match="'accepted_range amount' of 'orders' failed: 4 of"):
        orders.run("orders")

    assert [orders.query(table) for table in tables] == before


def test_a_failing_check_of_a_kpi_publishes_none_of_them(orders: Folder) -> None:
    orders.run("orders")
    before = orders.query("SELECT * FROM totals ORDER BY 1")
    file = orders.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text() + "    checks:\n      - {type: accepted_range, column: orders, max: 1}\n"
    )
    orders.write("lake/orders/1.csv", "order_id,customer,amount,ordered_at\n1,zoe,1,\n2,zoe,1,\n")

    with pytest.raises(CheckFailedError, match="'accepted_range orders' of 'totals' failed"):
        orders.run("orders")

    assert orders.query("SELECT * FROM totals ORDER BY 1") == before


def test_rows_of_a_kpi_are_quarantined_with_their_key(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    check = "{type: accepted_range, column: orders, min: 2, on_fail: quarantine}"
    file.write_text(f"{file.read_text()}    checks: [{check}]\n")

    results = orders.run("orders")

    assert results["check.totals"].counts == {"rows": 2, "kept": 1, "quarantined": 1}
    assert orders.query("SELECT customer, orders FROM totals") == [("ada", 2)]
    columns, (row,) = rows_of(load_project(orders.root), None, "quarantine.totals", None, 0)
    found = dict(zip(columns, row, strict=True))
    assert (found["file"], found["line"], found["key"]) == (None, None, {"customer": "bob"})


OF_THE_SOURCE = [
    {"type": "not_null", "columns": ["customer"]},
    {"type": "null_rate", "column": "amount", "max": "1%"},
    {"type": "row_count", "min": 100},
    {"type": "freshness", "column": "ordered_at", "max_age": "1h"},
    {"type": "accepted_values", "column": "customer", "values": ["bob"]},
    {"type": "accepted_range", "column": "amount", "max": 10},
    {"type": "pattern", "column": "customer", "pattern": "^b"},
    {"type": "length", "column": "customer", "max": 2},
    {"type": "expression", "expression": "amount < 10"},
    {"type": "distinct_count", "column": "customer", "max": 1},
    {"type": "unique", "columns": ["customer"]},
    {"type": "primary_key", "columns": ["customer"]},
    {"type": "sql", "sql": "orders/totals.sql"},
    {"type": "accepted_range", "column": "amount", "max": 10, "error_if": ">0%"},
]
OF_THE_KPI = [
    {"type": "relationships", "column": "amount", "to": "orders.amount"},
    {"type": "sum_equals", "column": "orders", "to": "orders.order_id"},
]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("block", "check"),
    [
        *(pytest.param("sources", check, id=str(check["type"])) for check in OF_THE_SOURCE),
        *(pytest.param("kpis", check, id=str(check["type"])) for check in OF_THE_KPI),
    ],
)
def test_a_broken_check_of_any_kind_leaves_the_targets_as_they_were(
    orders: Folder, block: str, check: dict[str, Any]
) -> None:
    day = "2024-06-28"
    orders.run("orders", day)
    tables = "SELECT * FROM totals ORDER BY 1", "SELECT * FROM etl_ledger"
    before = [orders.query(table) for table in tables]
    file = orders.root / "pipelines/orders.yml"
    pipeline = yaml.safe_load(file.read_text())
    (relation,) = pipeline[block].values()
    relation["checks"] = [check]
    file.write_text(yaml.safe_dump(pipeline, sort_keys=False))
    orders.write("lake/orders/2.csv", "order_id,customer,amount,ordered_at\n9,,,\n8,ada,7,\n")

    with pytest.raises(CheckFailedError, match="nothing was published"):
        orders.run("orders", day)

    assert [orders.query(table) for table in tables] == before


class Recorder:
    """A session that remembers what it was told."""

    def __init__(self, session: duckdb.DuckDBPyConnection, said: list[str]) -> None:
        self._session = session
        self._said = said

    def execute(self, sql: str, *values: Any) -> Any:
        self._said.append(sql)
        return self._session.execute(sql, *values)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._session, name)


@pytest.mark.parametrize("engine", ["duckdb"], indirect=True)
@pytest.mark.parametrize("count", [1, 3, 12])
def test_all_row_checks_are_one_scan(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, count: int
) -> None:
    said: list[str] = []
    session = Database.session
    monkeypatch.setattr(Database, "session", lambda self: Recorder(session(self), said))
    checks = [
        {"type": "accepted_range", "column": "v", "max": number, "name": f"below_{number}"}
        for number in range(100, 100 + count)
    ]

    result = checked(checks, "1,1,x,\n2,2,y,\n")

    assert len(result.checks) == count
    assert len([sql for sql in said if 'FROM "t"' in sql and "VIEW" not in sql]) == 1
