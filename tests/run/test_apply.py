"""The tables of several KPIs and warehouses are looked at together, before any is changed."""

from __future__ import annotations

from collections.abc import Sequence

import duckdb
import pytest

from etl_framework.errors import StepError
from etl_framework.run.apply import Application
from tests.conftest import ORDERS, Folder

TWO = (
    ORDERS
    + """\
  second:
    sql: orders/totals.sql
    target: {connection: other, table: second}
    columns:
      - {name: customer, type: varchar(20)}
      - {name: orders, type: integer}
      - {name: amount, type: "decimal(12,2)"}
"""
)
TABLE = "(customer VARCHAR, orders BIGINT, amount DECIMAL(12,2), note VARCHAR)"


@pytest.fixture
def two(orders: Folder) -> Folder:
    """A project with a table in each of two DuckDB files, which have a column more than KPIs."""
    orders.write("pipelines/orders.yml", TWO)
    environments = (orders.root / "environments.yml").read_text(encoding="utf-8")
    place = "warehouse: {type: duckdb, path: .etl/warehouse.duckdb}"
    other = "other: {type: duckdb, path: .etl/other.duckdb}"
    orders.write("environments.yml", environments.replace(place, f"{place}\n      {other}"))
    (orders.root / ".etl").mkdir()
    for file, table in (("warehouse", "totals"), ("other", "second")):
        with duckdb.connect(str(orders.root / f".etl/{file}.duckdb")) as connection:
            connection.execute(f"CREATE TABLE {table} {TABLE}")
            connection.execute(f"INSERT INTO {table} VALUES ('ada', 7, 1.5, 'x')")
    return orders


def application(
    two: Folder, *dropped: str, kpis: Sequence[str] = ("totals", "second")
) -> Application:
    return Application.of(two.plan("orders"), kpis, dropped)


def column_types(two: Folder, file: str) -> list[str]:
    with duckdb.connect(str(two.root / f".etl/{file}.duckdb")) as connection:
        sql = "SELECT data_type FROM duckdb_columns() WHERE schema_name = 'main' AND NOT internal"
        rows = connection.execute(f"{sql} AND table_name NOT LIKE 'etl%' ORDER BY column_index")
        return [type_ for (type_,) in rows.fetchall()]


def test_a_name_that_two_tables_have_is_no_answer(two: Folder) -> None:
    with pytest.raises(StepError, match="several tables have a column 'note'") as caught:
        application(two, "note")
    assert "write --drop totals.note, once for each" in str(caught.value)

    application(two, "second.note").make()

    assert column_types(two, "warehouse") == ["VARCHAR", "INTEGER", "DECIMAL(12,2)", "VARCHAR"]
    assert column_types(two, "other") == ["VARCHAR", "INTEGER", "DECIMAL(12,2)"]


def test_a_kpi_alone(two: Folder) -> None:
    application(two, "note", kpis=["second"]).make()

    assert column_types(two, "warehouse")[1] == "BIGINT"
    assert column_types(two, "other") == ["VARCHAR", "INTEGER", "DECIMAL(12,2)"]


def test_what_one_warehouse_refuses_changes_nothing_in_the_other(two: Folder) -> None:
    with duckdb.connect(str(two.root / ".etl/other.duckdb")) as connection:
        connection.execute("UPDATE second SET orders = 3000000000")

    with pytest.raises(StepError, match=r"second\.orders: 1 row has a value") as caught:
        application(two, "nte")

    assert "no table has a column 'nte'" in str(caught.value)
    assert "did you mean 'note'?" in str(caught.value)
    assert column_types(two, "warehouse")[1] == column_types(two, "other")[1] == "BIGINT"


def test_what_each_table_needs(two: Folder) -> None:
    changes = application(two, "totals.note").changes

    assert [(change.table, change.rows, change.left) for change in changes] == [
        ("totals", 1, ()),
        ("second", 1, ("note",)),
    ]
