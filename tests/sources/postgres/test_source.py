"""PostgreSQL tables: every value exactly, from a real server."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg2
import pytest

from etl_framework.errors import DataMissingError, StepError
from tests.conftest import Folder
from tests.sources.conftest import Reading, declare, read

ReadTable = Callable[..., Reading]
BIG = "9" * 28 + "." + "9" * 10


def execute(url: str, sql: str) -> None:
    connection = psycopg2.connect(url)
    with connection, connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


@pytest.fixture
def read_table(folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch) -> ReadTable:
    """Make a table `t` of the server by SQL and read it: `read_table(sql, ["a integer"])`."""
    monkeypatch.setenv("TEST_RDS_URL", postgres)

    def reading(
        sql: str, columns: tuple[str, ...], options: str = "", day: str = "2024-06-25"
    ) -> Reading:
        if sql:
            execute(postgres, sql)
        folder.write(
            "pipelines/p.yml",
            "name: p\nschedule: '@daily'\nsources:\n  t:\n    type: postgres\n"
            f"    connection: rds\n    table: t\n    {options}\n"
            f"    columns:\n{declare(columns)}",
        )
        return read(folder, "p", "t", day)

    return reading


def test_every_value_arrives_exactly(read_table: ReadTable) -> None:
    columns = (
        "k integer", "t varchar(99)", "n numeric(38,10)", "s smallint", "i integer", "b bigint",
        "o boolean", "m timestamp", "z timestamptz", "d date", "f double precision",
    )  # fmt: skip
    rows = f"""
        (1, '', {BIG}, -32768, -2147483648, -9223372036854775808, true,
         '1969-12-31 23:59:59.000001', '2024-06-25 10:00:00.123456+05:30', '1900-02-28', 'NaN'),
        (2, E'é€😀 "q", \\n\\r\\n \\\\N \\\\.', -{BIG}, 32767, 2147483647, 9223372036854775807,
         false, '9999-12-31 23:59:59.999999', '1960-01-01 00:00:00-08', '9999-12-31', '-Infinity'),
        (3, ' NULL ', 0.0000000001, 0, -1, 0, NULL,
         '0001-01-01', '2024-03-31 01:30:00+00', '0001-01-01', 5e-324),
        (NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)"""

    reading = read_table(f"CREATE TABLE t ({', '.join(columns)}); INSERT INTO t VALUES {rows}",
                         columns)  # fmt: skip

    assert math.isnan(reading.kept[0][-1])
    assert [row[:-1] for row in reading.kept[:1]] == [
        (
            1, "", Decimal(BIG), -32768, -2147483648, -(2**63), True,
            datetime(1969, 12, 31, 23, 59, 59, 1),
            datetime(2024, 6, 25, 4, 30, 0, 123456, tzinfo=UTC), date(1900, 2, 28),
        )
    ]  # fmt: skip
    assert reading.kept[1:] == [
        (
            2, 'é€😀 "q", \n\r\n \\N \\.', Decimal(f"-{BIG}"), 32767, 2147483647, 2**63 - 1, False,
            datetime(9999, 12, 31, 23, 59, 59, 999999),
            datetime(1960, 1, 1, 8, tzinfo=UTC), date(9999, 12, 31), -math.inf,
        ),
        (
            3, " NULL ", Decimal("0.0000000001"), 0, -1, 0, None, datetime(1, 1, 1),
            datetime(2024, 3, 31, 1, 30, tzinfo=UTC), date(1, 1, 1), 5e-324,
        ),
        (None,) * 11,
    ]  # fmt: skip


@pytest.mark.parametrize("type_", ["integer", "varchar(9)", "boolean", "timestamp"])
def test_a_null_in_a_table_of_one_column_is_a_row(read_table: ReadTable, type_: str) -> None:
    sql = f"CREATE TABLE t (a {type_}); INSERT INTO t VALUES (NULL), (NULL)"

    assert read_table(sql, (f"a {type_}",)).kept == [(None,), (None,)]


def test_null_and_empty_text_stay_different_in_one_column(read_table: ReadTable) -> None:
    sql = "CREATE TABLE t (a text); INSERT INTO t VALUES (NULL), (''), ('x')"

    assert read_table(sql, ("a varchar(9)",)).kept == [(None,), ("",), ("x",)]


@pytest.mark.parametrize(
    ("held", "value", "declared"),
    [
        pytest.param("timestamp", "infinity", "timestamp", id="an infinite timestamp"),
        pytest.param("timestamptz", "-infinity", "timestamptz", id="an infinite timestamptz"),
        pytest.param("timestamp", "0044-03-15 BC", "timestamp", id="a timestamp before Christ"),
        pytest.param("date", "0044-03-15 BC", "date", id="a date before Christ"),
        pytest.param("date", "infinity", "date", id="an infinite date"),
        pytest.param("date", "20000-01-01", "date", id="a date with a year of five digits"),
        pytest.param("bigint", "2147483648", "integer", id="an integer out of range"),
        pytest.param("integer", "-32769", "smallint", id="a smallint out of range"),
        pytest.param("numeric", "1.005", "decimal(10,2)", id="more digits behind the point"),
        pytest.param("numeric", "12345678901.00", "decimal(10,2)", id="more digits before it"),
        pytest.param("numeric", "123456789.1", "decimal(10,2)", id="one digit more before it"),
        pytest.param("numeric", "NaN", "decimal(10,2)", id="a numeric that is no number"),
        pytest.param("numeric", "1.5", "integer", id="a fraction as integer"),
        pytest.param("double precision", "1e300", "real", id="a double beyond real"),
        pytest.param("text", "soon", "date", id="a text as date"),
        pytest.param("text", "éééééé", "varchar(9)", id="a text of more bytes than declared"),
    ],
)
def test_a_value_that_cannot_be_held_is_an_error_that_names_it(
    read_table: ReadTable, held: str, value: str, declared: str
) -> None:
    with pytest.raises(StepError) as raised:
        sql = f"CREATE TABLE t (k int, amount {held}); INSERT INTO t VALUES (1, '{value}')"
        read_table(sql, ("k integer", f"amount {declared}"))

    assert len(raised.value.diagnostics) == 1
    assert "amount" in str(raised.value) or value.split()[0] in str(raised.value)


SIX = """
CREATE TABLE t (k integer, m timestamp, z timestamptz, d date, w text);
INSERT INTO t VALUES
    (1, '2024-06-24 23:59:59.999999', '2024-06-24 23:59:59.999999+00', '2024-06-24', 'a'),
    (2, '2024-06-25 00:00:00', '2024-06-25 00:00:00+00', '2024-06-25', 'b%'),
    (3, '2024-06-25 23:59:59.999999', '2024-06-26 01:59:59+02', '2024-06-25', 'a'),
    (4, '2024-06-26 00:00:00', '2024-06-26 00:00:00+00', '2024-06-26', 'a'),
    (5, NULL, NULL, NULL, NULL)
"""


@pytest.mark.parametrize("key", ["m", "z", "d"], ids=["timestamp", "timestamptz", "date"])
def test_an_incremental_key_reads_the_rows_of_the_data_interval(
    read_table: ReadTable, key: str
) -> None:
    option = f"incremental_key: {key}"

    assert read_table(SIX, ("k integer",), option).kept == [(2,), (3,)]
    assert read_table("", ("k integer",), option, day="2024-06-26").kept == [(4,)]


@pytest.mark.parametrize(
    ("options", "rows"),
    [
        pytest.param("where: \"w LIKE 'b%'\"", [2], id="a condition with a percent sign"),
        pytest.param(
            "where: \"w LIKE 'b%' OR w = 'a'\"\n    incremental_key: m", [2, 3],
            id="a condition with OR beside the interval",
        ),
        pytest.param("where: k > 3", [4, 5], id="a plain condition"),
    ],
)  # fmt: skip
def test_where_narrows_the_rows(read_table: ReadTable, options: str, rows: list[int]) -> None:
    assert [row[0] for row in read_table(SIX, ("k integer",), options).kept] == rows


def test_a_missing_table_is_named(read_table: ReadTable) -> None:
    with pytest.raises(DataMissingError, match="there is no table 't' in connection 'rds'"):
        read_table("", ("k integer",))


def test_a_missing_column_is_named_with_its_neighbour(read_table: ReadTable) -> None:
    with pytest.raises(DataMissingError, match=r"no column 'custmer'\n.*did you mean 'customer'"):
        read_table("CREATE TABLE t (customer text)", ("custmer varchar(9)",))


def test_an_empty_table_is_an_error_unless_it_may_be_empty(read_table: ReadTable) -> None:
    with pytest.raises(DataMissingError, match=r"the table '?t'? has no rows"):
        read_table("CREATE TABLE t (k integer)", ("k integer",))

    assert read_table("", ("k integer",), "may_be_empty: true").kept == []


def test_a_condition_that_the_server_refuses_is_our_error(read_table: ReadTable) -> None:
    with pytest.raises(StepError, match="nowhere"):
        read_table("CREATE TABLE t (k integer)", ("k integer",), "where: nowhere = 1")


def test_a_big_table_streams_into_parquet(read_table: ReadTable) -> None:
    sql = "CREATE TABLE t AS SELECT i AS k, 'name ' || i AS w FROM generate_series(1, 300000) AS i"

    kept = read_table(sql, ("k integer", "w varchar(20)")).kept

    assert len(kept) == len(set(kept)) == 300_000
    assert kept[-1] == (300_000, "name 300000")
