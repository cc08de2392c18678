"""`on_new_column`: what a column that is there and not declared does to a run."""

from __future__ import annotations

import json

import psycopg2
import pytest

from etl_framework.errors import CheckFailedError
from tests.conftest import Folder

CSV = "order_id,customer,amount,ordered_at{new}\n1,ada,10.50,2024-06-25 08:00:00{value}\n"


def with_policy(orders: Folder, policy: str, new: str) -> Folder:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace("type: csv", f"type: csv\n    on_new_column: {policy}")
    )
    value = ",x" if new else ""
    orders.write("lake/orders/1.csv", CSV.format(new=new, value=value))
    return orders


@pytest.mark.parametrize(
    ("policy", "new", "statuses"),
    [
        ("ignore", ",colour", []),
        ("warn", ",colour", ["warning"]),
        ("warn", "", ["pass"]),
        ("fail", "", ["pass"]),
    ],
)
def test_the_run_goes_on(orders: Folder, policy: str, new: str, statuses: list[str]) -> None:
    results = with_policy(orders, policy, new).run("orders")

    assert [check.status for check in results["extract.orders"].checks] == statuses
    ((checks,),) = orders.query("SELECT checks FROM etl_ledger")
    noted = {check["check"]: check["note"] for check in json.loads(checks)}
    assert ("colour" in noted.get("new_column", "")) == (statuses == ["warning"])


def test_fail_stops_the_run_before_anything_is_published(orders: Folder) -> None:
    with pytest.raises(CheckFailedError, match="not declared: colour") as raised:
        with_policy(orders, "fail", ",colour").run("orders")

    assert "pipelines/orders.yml:" in str(raised.value)
    assert not (orders.root / ".etl/warehouse.duckdb").exists()


def test_a_new_column_of_a_table(
    folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t AS SELECT 1 AS id, 'red' AS colour")
    connection.close()
    folder.write(
        "pipelines/p.yml",
        """
        name: p
        sources:
          t:
            type: postgres
            connection: rds
            table: t
            on_new_column: warn
            columns: [{name: id, type: integer}]
        """,
    )

    (found,) = folder.run("p")["extract.t"].checks

    assert (found.check, found.status) == ("new_column", "warning") and "colour" in found.note
