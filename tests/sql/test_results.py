"""The columns of a query's result: names, and types that a file and Redshift hold unchanged."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pytest

from etl_framework.errors import PlanError
from etl_framework.sql.dialect import parse
from etl_framework.sql.results import held, repeated_names, unnamed, without_values
from etl_framework.storage.parquet import write
from tests.conftest import Folder


@pytest.mark.parametrize(
    ("value", "type_", "expected"),
    [
        ("CAST(22517998136852485 AS HUGEINT)", "DECIMAL(38,0)", "22517998136852485"),
        ("CAST(18446744073709551615 AS UBIGINT)", "DECIMAL(20,0)", "18446744073709551615"),
        ("CAST(7 AS TINYINT)", "SMALLINT", "7"),
        ("CAST('2024-01-31 10:20:30.123456' AS TIMESTAMP_NS)", "TIMESTAMP",
         "2024-01-31 10:20:30.123456"),
        ("CAST('b' AS ENUM ('a', 'b'))", "VARCHAR", "b"),
        ("CAST('{}' AS JSON)", "VARCHAR", "{}"),
        ("NULL", "VARCHAR", None),
        ("CAST(1.50 AS DECIMAL(5,2))", "DECIMAL(5,2)", "1.50"),
    ],
)  # fmt: skip
def test_what_is_written_is_what_was_computed(
    tmp_path: Path, value: str, type_: str, expected: str | None
) -> None:
    query = f"SELECT {value} AS v"
    with duckdb.connect() as session:
        given = session.sql(query)
        tree = parse(f"SELECT {'NULL' if value == 'NULL' else 1} AS v")
        sql, columns = held(tree, query, without_values(tree, [("v", str(given.types[0]))]))
        write(session, sql, tmp_path)
        file = str(tmp_path / "0.parquet")
        rows = session.execute(f"SELECT v::VARCHAR, typeof(v) FROM '{file}'").fetchall()

    assert list(columns) == [("v", type_)]
    assert rows == [(expected, type_)]


@pytest.mark.parametrize("type_", ["TIME", "INTERVAL", "INTEGER[]", "STRUCT(a INTEGER)", "BLOB"])
def test_what_no_column_holds_is_refused_at_its_place(type_: str) -> None:
    sql = "SELECT 1 AS a, b AS c FROM t"
    with pytest.raises(PlanError, match=r"a column cannot hold .*, which 'c' is") as caught:
        held(parse(sql), sql, [("a", "INTEGER"), ("c", type_)])

    assert getattr(caught.value.__cause__, "offset", None) == sql.index("b AS c")


def test_columns_without_a_name_are_told() -> None:
    sql = "SELECT a + 1, a::date, COUNT(*) OVER (), t.*, b AS c FROM t"

    assert [problem.offset for problem in unnamed(parse(sql))] == [
        sql.index("a +"),
        sql.index("COUNT"),
    ]


def test_names_that_occur_twice_are_told() -> None:
    sql = "SELECT a, b AS A, c FROM t"
    (problem,) = repeated_names(parse(sql))

    assert (problem.offset, problem.code) == (sql.index("b AS"), "E417")


def test_published_values_are_those_of_test_and_preview(orders: Folder) -> None:
    """A sum of integers was a DOUBLE in staging: 22517998136852484, and the text 2.0."""
    orders.write(
        "pipelines/orders.yml",
        (orders.root / "pipelines/orders.yml").read_text("utf-8").replace(
            "kpis:\n", "transforms:\n  sums: {sql: orders/sums.sql}\nkpis:\n"
        ).replace("{name: amount, type: \"decimal(12,2)\"}", "{name: text, type: varchar(30)}")
        .replace("{name: orders, type: integer}", "{name: big, type: bigint}"),
    )  # fmt: skip
    orders.write(
        "sql_templates/orders/sums.sql",
        "SELECT customer, SUM(order_id) AS n, SUM(order_id * 4503599627370497::bigint) AS big "
        "FROM orders GROUP BY customer",
    )
    orders.write(
        "sql_templates/orders/totals.sql", "SELECT customer, big, 'n' || n AS text FROM sums"
    )
    orders.run("orders", "2024-06-25")

    assert sorted(orders.query("SELECT customer, big, text FROM totals")) == [
        ("ada", 18014398509481988, "n4"),
        ("bob", 9007199254740994, "n2"),
    ]
