"""SQL in Redshift's dialect: what is refused and where, and what it means on DuckDB."""

from __future__ import annotations

from decimal import Decimal

import duckdb
import pytest

from etl_framework.errors import PlanError
from etl_framework.sql.dialect import SqlSyntaxError, parse
from tests.sql.translation import translate

SCHEMA = {"t": {"i": "INTEGER", "j": "INTEGER", "x": "VARCHAR", "d": "DATE", "ts": "TIMESTAMP",
                "f": "DOUBLE", "m": "DECIMAL(10,2)"}}  # fmt: skip
ROWS = """
CREATE TABLE t AS
SELECT 7::INT AS i, 2::INT AS j, 'b' AS x, DATE '2024-01-31' AS d,
    TIMESTAMP '2024-01-31 10:20:30' AS ts, 1.5::DOUBLE AS f, 3.25::DECIMAL(10,2) AS m
UNION ALL SELECT NULL, 3, 'a', NULL, NULL, NULL, NULL
UNION ALL SELECT NULL, 3, 'a', NULL, NULL, NULL, NULL
"""


def value(expression: str) -> object:
    sql = translate(f"SELECT {expression} AS q FROM t ORDER BY 1 LIMIT 1", SCHEMA)
    with duckdb.connect() as connection:
        connection.execute(ROWS)
        (found,) = connection.execute(sql).fetchall()
    return found[0]


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        pytest.param("i / j", 3, id="integers divide to an integer"),
        pytest.param("-7 / 2", -3, id="division cuts towards zero"),
        pytest.param("i / 2.0", 3.5, id="a fraction stays one"),
        pytest.param("SUM(i) / COUNT(*)", 2, id="aggregates of integers"),
        pytest.param("i::float / j", 3.5, id="a cast makes it a fraction"),
        pytest.param("CAST(9007199254740993 AS BIGINT) / 1", 9007199254740993,
                     id="no digit of a large integer is lost"),
        pytest.param("AVG(j)", 2, id="the mean of integers is an integer"),
        pytest.param("NVL(MIN(i), 0)", 7, id="NVL"),
        pytest.param("NVL2(MIN(i), 1, 0)", 1, id="NVL2"),
        pytest.param("DATEADD(month, 1, MIN(d))::DATE::VARCHAR", "2024-02-29", id="DATEADD"),
        pytest.param("DATEDIFF(hour, '2024-01-01 00:59:00', '2024-01-01 01:01:00')", 1,
                     id="DATEDIFF counts borders"),
        pytest.param("LISTAGG(x, ',') WITHIN GROUP (ORDER BY x)", "a,a,b", id="LISTAGG"),
        pytest.param("LISTAGG(DISTINCT x, ',') WITHIN GROUP (ORDER BY x)", "a,b",
                     id="LISTAGG of distinct values"),
        pytest.param("LISTAGG(x) WITHIN GROUP (ORDER BY x)", "aab", id="LISTAGG without separator"),
        pytest.param("AVG(j) / 2", 1, id="a mean of integers divides as one"),
        pytest.param("AVG(j) OVER ()", 2, id="a mean over a window is an integer"),
        pytest.param("DATE_TRUNC('month', MIN(ts))::VARCHAR", "2024-01-01 00:00:00", id="trunc"),
        pytest.param("LEN(MIN(x))", 1, id="LEN"),
        pytest.param("DECODE(MIN(x), 'a', 1, 0)", 1, id="DECODE"),
        pytest.param("TO_CHAR(MIN(ts), 'YYYY-MM-DD HH24:MI')", "2024-01-31 10:20", id="TO_CHAR"),
        pytest.param("EXTRACT(HOUR FROM MIN(ts))", 10, id="EXTRACT"),
        pytest.param("ROUND(MIN(m), 1)", Decimal("3.3"), id="ROUND half away from zero"),
        pytest.param("MIN(x) || 1", "a1", id="a text and a number"),
        pytest.param("CHARINDEX('b', MAX(x))", 1, id="CHARINDEX"),
        pytest.param("MAX(x) ~ '^b'", True, id="a pattern"),
        pytest.param("SPLIT_PART('a-b', '-', 2)", "b", id="SPLIT_PART"),
    ],
)  # fmt: skip
def test_an_expression_means_on_duckdb_what_it_means_on_redshift(
    expression: str, expected: object
) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    ("order", "expected"),
    [pytest.param("i", [7, None], id="last"), pytest.param("i DESC", [None, 7], id="first")],
)
def test_empty_values_sort_as_the_largest(order: str, expected: list[int | None]) -> None:
    sql = translate(f"SELECT DISTINCT i FROM t ORDER BY {order}", SCHEMA)

    with duckdb.connect() as connection:
        connection.execute(ROWS)
        assert [row[0] for row in connection.execute(sql).fetchall()] == expected


@pytest.mark.parametrize(
    ("sql", "at"),
    [
        pytest.param("SELECT (a FROM t", "FROM", id="an open parenthesis"),
        pytest.param("SELECT a)\nFROM t", ")", id="one parenthesis too many"),
        pytest.param("SELECT a b c FROM t", "c", id="two aliases"),
        pytest.param("SELECT a\nFROM t\nWHERE", "WHERE", id="nothing after WHERE"),
        pytest.param("SELECT FROM", "FROM", id="nothing after FROM"),
        pytest.param("SELECT é\nFROM t WHERE )", ")", id="after a letter beyond ASCII"),
        pytest.param("SELECT CAST(a AS foo) FROM t", "foo", id="an unknown type"),
        pytest.param("SELECT a FROM t WHERE b = 'x' AND c = 'y", "'y", id="an open quote"),
    ],
)
def test_a_syntax_error_is_placed(sql: str, at: str) -> None:
    with pytest.raises(SqlSyntaxError) as caught:
        parse(sql)

    if at != "foo":
        assert caught.value.offset == sql.rindex(at)
    assert "Token" not in str(caught.value).replace("Unexpected token", "")


@pytest.mark.parametrize(
    "sql",
    [
        "", " \n", "-- only this", ";", "SELECT 1; SELECT 2", "DELETE FROM a", "DROP TABLE a",
        "INSERT INTO a SELECT 1", "UPDATE a SET b = 1", "CREATE TABLE a AS SELECT 1",
        "COPY a FROM 's3://x'", "UNLOAD ('select 1') TO 's3://x'", "VACUUM", "BEGIN",
        "EXPLAIN SELECT 1", "SELECT 1 INTO a", "WITH x AS (DELETE FROM a RETURNING *) "
        "SELECT * FROM x", "SELECT /* open",
        pytest.param(f"SELECT {'(' * 500}1{')' * 500}", id="500 parentheses"),
    ],
)  # fmt: skip
def test_anything_but_one_select_is_refused(sql: str) -> None:
    with pytest.raises(SqlSyntaxError):
        parse(sql)


@pytest.mark.parametrize("sql", ["SELECT 1", "SELECT 1;", "(SELECT 1)", "SELECT 1 UNION SELECT 2",
                                 "WITH a AS (SELECT 1 AS b) SELECT b FROM a"])  # fmt: skip
def test_one_select_is_taken(sql: str) -> None:
    assert parse(sql).named_selects


@pytest.mark.parametrize(
    "sql", ["SELECT nope FROM t", "SELECT a.nope FROM t AS a", "SELECT x FROM nowhere", "SELEC"]
)
def test_what_does_not_resolve_is_a_plan_error(sql: str) -> None:
    with pytest.raises(PlanError):
        translate(sql, SCHEMA)


def test_a_mean_of_integers_stays_one_in_an_outer_query() -> None:
    sql = translate("WITH a AS (SELECT AVG(j) AS k FROM t) SELECT k / 4 AS q FROM a", SCHEMA)

    assert "//" in sql


def test_sqlglot_logs_nothing(caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(SqlSyntaxError):
        parse("EXPLAIN SELECT 1")

    assert not caplog.records


def test_a_text_is_cut_to_bytes_and_no_letter_in_two() -> None:
    text = "a\u00e4\u20ac\U0001f600" * 8
    with duckdb.connect() as connection:
        connection.execute("CREATE TABLE t AS SELECT ? AS v", [text])
        for size in range(1, len(text.encode()) + 2):
            query = f"SELECT CAST(MAX(v) AS VARCHAR({size})) AS cut FROM t"
            sql = translate(query, {"t": {"v": "varchar(100)"}})
            found = connection.execute(sql).fetchall()
            assert found == [(text.encode()[:size].decode("utf-8", "ignore"),)], size
