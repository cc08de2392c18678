"""PostgreSQL tables: every value exactly, from a real server."""

from __future__ import annotations

import math
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal

import psycopg2
import pytest

from etl_framework.errors import DataMissingError, RetryableError, StepError
from tests.conftest import Folder
from tests.network import Relay
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
        pytest.param("double precision", "1e300", "real", id="a double beyond real"),
        pytest.param("text", "soon", "date", id="a text as date"),
    ],
)
def test_a_type_that_cannot_hold_the_values_is_an_error_that_names_it(
    read_table: ReadTable, held: str, value: str, declared: str
) -> None:
    with pytest.raises(StepError, match="column 'amount' is") as raised:
        sql = f"CREATE TABLE t (k int, amount {held}); INSERT INTO t VALUES (1, '{value}')"
        read_table(sql, ("k integer", f"amount {declared}"))

    assert len(raised.value.diagnostics) == 1


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
    option = f"incremental_key: {key}\n    where: {key} IS NOT NULL"

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


def test_columns_of_any_name(read_table: ReadTable) -> None:
    sql = """CREATE TABLE t ("Order ID" int, "größe" text, "order" text, "Order" text, "100%" date);
             INSERT INTO t VALUES (1, 'a', 'b', 'c', '2024-06-25'),
                 (2, 'd', 'e', 'f', '2024-06-26')"""
    columns = (
        'id integer; from: "Order ID"', 'size varchar(9); from: "größe"',
        'order varchar(9)', 'other varchar(9); from: "Order"', 'day date; from: "100%"',
    )  # fmt: skip

    whole = read_table(sql, columns, "where: '\"Order ID\" > 0'")
    one = read_table("", columns, "incremental_key: day")

    assert [row[:4] for row in sorted(whole.kept)] == [(1, "a", "b", "c"), (2, "d", "e", "f")]
    assert [row[0] for row in one.kept] == [1]


def test_blanks_at_the_end_of_a_char_mean_nothing(read_table: ReadTable) -> None:
    sql = "CREATE TABLE t (a char(6), b char(6), n int); INSERT INTO t VALUES ('ab', NULL, 1)"

    reading = read_table(sql, ("a char(6)", "b varchar(24)", "n integer"))

    assert reading.kept == [("ab", None, 1)]


def test_a_value_of_a_renamed_column_that_does_not_fit(read_table: ReadTable) -> None:
    sql = """CREATE TABLE t ("N" int primary key, "At" timestamp);
             INSERT INTO t VALUES (1, 'infinity'), (2, '2024-01-01')"""
    columns = ("n integer; from: N, primary_key: true", "at timestamp; from: At")

    reading = read_table(sql, columns, "max_rejected: '100%'")

    assert [row[0] for row in reading.kept] == [2]
    assert [row.name for row in reading.rejected] == ["at"]


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


@pytest.mark.parametrize("count", [1001, 1599])
def test_a_table_of_many_columns(read_table: ReadTable, count: int) -> None:
    columns = tuple(f"c{n} varchar(9)" for n in range(count))
    sql = f"CREATE TABLE t ({', '.join(f'c{n} text' for n in range(count))}); "
    values = ", ".join(f"'{n}'" for n in range(count))

    reading = read_table(f"{sql} INSERT INTO t VALUES ({values})", columns)

    assert reading.kept == [tuple(str(n) for n in range(count))]


def test_generated_columns_and_identities(read_table: ReadTable) -> None:
    sql = """
        CREATE TABLE t (id integer GENERATED ALWAYS AS IDENTITY, net numeric(10,2),
                        gross numeric(10,2) GENERATED ALWAYS AS (net * 1.2) STORED);
        INSERT INTO t (net) VALUES (10), (20)"""
    columns = ("id integer", "net decimal(10,2)", "gross decimal(10,2)")

    assert read_table(sql, columns).kept == [
        (1, Decimal("10.00"), Decimal("12.00")),
        (2, Decimal("20.00"), Decimal("24.00")),
    ]


def test_a_table_in_partitions(read_table: ReadTable) -> None:
    sql = """
        CREATE TABLE t (day date, v integer) PARTITION BY RANGE (day);
        CREATE TABLE t_june PARTITION OF t FOR VALUES FROM ('2024-06-01') TO ('2024-07-01');
        CREATE TABLE t_rest PARTITION OF t DEFAULT;
        INSERT INTO t VALUES ('2024-06-25', 1), ('2024-07-25', 2)"""

    assert read_table(sql, ("day date", "v integer")).kept == [
        (date(2024, 6, 25), 1),
        (date(2024, 7, 25), 2),
    ]


def test_a_connection_that_is_lost_within_copy_may_be_tried_again(
    read_table: ReadTable, postgres: str, server: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The network ends in the middle of the rows; psycopg2 then has nothing to say but a status."""
    execute(
        postgres, "CREATE TABLE t AS SELECT repeat('x', 999) AS v FROM generate_series(1, 9999)"
    )
    relay = Relay(f"{server.partition('host=')[2]}/.s.PGSQL.5432", ends_after=2_000_000)
    name = postgres.partition("?")[0].rpartition("/")[2]
    url = f"postgresql://postgres@127.0.0.1:{relay.port}/{name}"
    monkeypatch.setenv("TEST_RDS_URL", url)

    with pytest.raises(RetryableError, match="R310 PostgreSQL: the connection was lost"):
        read_table("", ("v varchar(999)",))
    relay.close()
