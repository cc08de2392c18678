"""CSV files of every shape: what is kept, what is refused as a whole."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from etl_framework.errors import DataMissingError, EtlError, StepError
from etl_framework.sources.csv.source import CsvSource
from tests.sources.conftest import GOOD, HEADER, ReadCsv

ROW = (1, "ada", Decimal("10.50"), datetime(2024, 6, 25, 8))


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        pytest.param(HEADER + GOOD, 1, id="a plain file"),
        pytest.param((HEADER + GOOD).rstrip(), 1, id="no newline at the end"),
        pytest.param("\ufeff" + HEADER + GOOD, 1, id="a byte order mark"),
        pytest.param((HEADER + GOOD * 2).replace("\n", "\r\n"), 2, id="Windows line ends"),
        pytest.param((HEADER + GOOD * 2).replace("\n", "\r"), 2, id="old Mac line ends"),
        pytest.param(
            HEADER + GOOD + GOOD.replace("\n", "\r\n") + GOOD, 3, id="line ends of two kinds"
        ),
        pytest.param(HEADER + "\n" + GOOD + "\n\n" + GOOD + "\n", 2, id="blank lines are no rows"),
        pytest.param(
            "amount,extra,ordered_at,order_id,customer\n10.50,x,2024-06-25 08:00:00,1,ada\n",
            1,
            id="columns in another order and one more",
        ),
        pytest.param(
            HEADER.replace("\n", ",\n") + GOOD.replace("\n", ",\n"),
            1,
            id="a comma after the last name and value",
        ),
        pytest.param('"order_id", customer ,amount,"ordered_at"\n' + GOOD, 1, id="header quoted"),
        pytest.param(HEADER + GOOD.replace("ada", '"ada"'), 1, id="quoted values"),
    ],
)
def test_a_file_is_read_whole(read_csv: ReadCsv, content: str, rows: int) -> None:
    reading = read_csv({"1.csv": content})

    assert reading.kept == [ROW] * rows
    assert reading.rejected == []


def test_files_with_their_own_column_order_and_gzip_are_read_together(read_csv: ReadCsv) -> None:
    reading = read_csv(
        {
            "1.csv": HEADER + GOOD,
            "2.csv": "customer,order_id,ordered_at,amount\nbob,2,2024-01-01,7\n",
            "3.csv.gz": gzip.compress((HEADER + "3,eve,1,2024-01-01\n").encode()),
        }
    )

    assert sorted((row[0], row[1]) for row in reading.kept) == [(1, "ada"), (2, "bob"), (3, "eve")]


@pytest.mark.parametrize("name", ["a[1].csv", "a?.csv", "a*.csv", "a'b.csv", 'a"b.csv', "ä b.csv"])
def test_the_name_of_a_file_is_no_pattern(read_csv: ReadCsv, name: str) -> None:
    files = {name: HEADER + GOOD, "a1.csv": HEADER + "2,bob,1,2024-01-01\n3,eve,1,2024-01-01\n"}

    assert sorted(row[0] for row in read_csv(files).kept) == [1, 2, 3]


def test_quoted_newlines_separators_and_quotes_arrive_as_they_are(read_csv: ReadCsv) -> None:
    reading = read_csv({"1.csv": HEADER + '1,"a\nb, ""c""",1,2024-01-01\n2, x ,1,2024-01-01\n'})

    assert [row[1] for row in reading.kept] == ['a\nb, "c"', " x "]


def test_every_type_is_read_with_its_values(read_csv: ReadCsv) -> None:
    reading = read_csv(
        {
            "1.csv": "a,b,c,d,e,f,g,h\n"
            "true,2024-02-29,2024-01-01 10:00:00+02,0.1,-32768,9223372036854775807,"
            "1234567890123456789012345678.0123456789,é€😀\n,,,,,,,\n"
        },
        (
            "a boolean", "b date", "c timestamptz", "d double precision", "e smallint",
            "f bigint", "g decimal(38,10)", "h varchar(9)",
        ),
    )  # fmt: skip

    assert reading.kept == [
        (
            True, date(2024, 2, 29), datetime(2024, 1, 1, 8, tzinfo=UTC), 0.1, -32768,
            9223372036854775807, Decimal("1234567890123456789012345678.0123456789"), "é€😀",
        ),
        (None,) * 8,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "said"),
    [
        pytest.param("", "have no rows", id="an empty file"),
        pytest.param(gzip.compress(b""), "have no rows", id="an empty gzip file"),
        pytest.param(HEADER, "have no rows", id="a header and no rows"),
        pytest.param(HEADER.rstrip(), "have no rows", id="a header without newline"),
        pytest.param(GOOD * 2, "1:1: the file has no header", id="no header"),
        pytest.param(
            HEADER.replace("customer", "custmer") + GOOD,
            "1:1: the file has no column 'customer'\n  hint: did you mean 'custmer'?",
            id="a missing column",
        ),
        pytest.param(
            HEADER.replace("amount", "customer,amount") + GOOD,
            "the header names 'customer' twice",
            id="a column twice",
        ),
        pytest.param(
            HEADER.encode().replace(b"amount", b"am\xffount") + GOOD.encode(),
            "orders/1.csv:1:1: its header is not UTF-8 text",
            id="a header that is not UTF-8",
        ),
        pytest.param(b"no gzip", "cannot be read", id="a .gz file that is none"),
        pytest.param(
            gzip.compress((HEADER + GOOD * 2000).encode())[:-20],
            "cannot be read",
            id="a gzip file cut off",
        ),
    ],
)
def test_a_file_that_cannot_be_read_is_named(
    read_csv: ReadCsv, content: str | bytes, said: str
) -> None:
    zipped = isinstance(content, bytes) and b"customer" not in content
    name = "1.csv.gz" if zipped else "1.csv"

    with pytest.raises(StepError) as raised:
        read_csv({name: content})

    assert said in str(raised.value)
    assert "orders/1.csv" in str(raised.value) or "orders/*" in str(raised.value)


@pytest.mark.parametrize(
    ("files", "path"),
    [
        pytest.param({}, "orders/*.csv", id="no file"),
        pytest.param({"1.csv": HEADER}, "orders/*.csv", id="a header alone"),
    ],
)
def test_may_be_empty_makes_no_rows_no_error(
    read_csv: ReadCsv, files: dict[str, str], path: str
) -> None:
    (reading, again) = (read_csv(files, path=path, options=o) for o in ("may_be_empty: true",) * 2)

    assert reading.kept == again.kept == []


def test_no_matching_file_is_an_error_with_the_pattern_as_rendered(read_csv: ReadCsv) -> None:
    (files, path) = ({"2024-06-26/1.csv": HEADER + GOOD}, "orders/{{ interval.date }}/*.csv")

    with pytest.raises(DataMissingError, match=r"no file matches 'orders/2024-06-25/\*\.csv'"):
        read_csv(files, path=path)


def test_a_path_takes_the_files_of_its_data_interval(read_csv: ReadCsv) -> None:
    files = {
        "2024-06-25/1.csv": HEADER + GOOD,
        "2024-06-26/1.csv": HEADER + GOOD.replace("ada", "bob"),
    }
    path = "orders/{{ interval.date }}/*.csv"

    assert [row[1] for row in read_csv(files, path=path).kept] == ["ada"]
    assert [row[1] for row in read_csv(files, path=path, day="2024-06-26").kept] == ["bob"]


def test_a_folder_that_is_not_there_is_named(read_csv: ReadCsv) -> None:
    with pytest.raises(EtlError, match="no file matches 'elsewhere/"):
        read_csv({}, path="elsewhere/*.csv")


@pytest.mark.parametrize("encoding", ["klingon", "hex"])
def test_an_encoding_that_does_not_exist(encoding: str) -> None:
    columns = [{"name": "a", "type": "integer"}]
    with pytest.raises(ValueError, match=f"unknown encoding '{encoding}'"):
        CsvSource(type="csv", connection="lake", path="*", columns=columns, encoding=encoding)


def test_names_that_only_differ_in_case_and_a_nul(read_csv: ReadCsv) -> None:
    reading = read_csv({"1.csv": "id,ID,n\0\n1,2,x\ny,4,z\n"}, ("id integer",))

    assert reading.kept == [(1,)]
    assert [row.reason for row in reading.rejected] == ['"y" is not a valid integer']
