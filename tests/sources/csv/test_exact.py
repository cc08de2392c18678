"""Values of CSV files arrive exactly as they are written, or their row is rejected."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.conftest import ReadCsv

BERLIN = datetime(2024, 6, 25, 8, 0, 0, 123456, UTC)


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("integer", "1e3", 1000),
        ("integer", "1.50000000000000000E1", 15),
        ("bigint", "1.5000000000e0000000001", 15),
        ("integer", "1.0", 1),
        ("integer", " 7 ", 7),
        ("integer", "-2147483648", -2147483648),
        ("integer", "+5", 5),
        ("smallint", "32767", 32767),
        ("bigint", "-9223372036854775808", -9223372036854775808),
        ("decimal(10,2)", "1.50", Decimal("1.50")),
        ("decimal(10,2)", "99999999.99", Decimal("99999999.99")),
        ("decimal(10,2)", "1.500000", Decimal("1.50")),
        ("decimal(10,2)", "1e-2", Decimal("0.01")),
        ("varchar(6)", "ééé", "ééé"),
        ("varchar(6)", "ab  ", "ab  "),
        ("char(4)", "ab    ", "ab"),
        ("char(4)", "éé", "éé"),
        ("varchar(6)", "NULL", "NULL"),
        ("varchar(6)", "a\0b", "a\0b"),
        ("timestamp", "1969-12-31 23:59:59.000001", datetime(1969, 12, 31, 23, 59, 59, 1)),
        ("timestamp", "2024-06-25T10:00:00", datetime(2024, 6, 25, 10)),
        ("double precision", "1e300", 1e300),
        ("integer", "1.00000000000000000000", 1),
        ("integer", "1.5e1", 15),
        ("bigint", "1.0000000000000000000000", 1),
        ("decimal(10,2)", "1.25000000000000000000000", Decimal("1.25")),
        ("decimal(38,0)", "9" * 38, Decimal("9" * 38)),
        ("decimal(38,38)", "-0." + "9" * 38, Decimal("-0." + "9" * 38)),
        ("decimal(38,10)", "1e27", Decimal("1e27")),
        ("date", "2024-06-25 00:00:00", date(2024, 6, 25)),
        ("date", "0001-01-01", date(1, 1, 1)),
        ("date", "9999-12-31", date(9999, 12, 31)),
        ("timestamp", "2024-06-25 10:00:00.12300000", datetime(2024, 6, 25, 10, 0, 0, 123000)),
        ("timestamp", "9999-12-31 23:59:59.999999", datetime.max),
        ("timestamp", "0001-01-01 00:00:00", datetime.min),
        ("timestamptz", "2024-06-25 10:00:00.123456+02:00", BERLIN),
        ("timestamptz", "2024-06-25 08:00:00.123456Z", BERLIN),
        ("timestamptz", "2024-06-25 10:00:00.123456 Europe/Berlin", BERLIN),
        ("varchar(9)", '""', ""),
        ("varchar(9)", "", None),
        ("integer", '""', None),
        ("boolean", "true", True),
    ],
)
@pytest.mark.parametrize("way", ["quick", pytest.param("careful", marks=pytest.mark.slow)])
def test_a_value_that_fits_is_kept(
    read_csv: ReadCsv, type_: str, written: str, value: Any, way: str
) -> None:
    odd = 'x,"' + '"\n' if way == "careful" else ""

    reading = read_csv({"1.csv": f"k,v\n{odd}1,{written}\n"}, ("k integer", f"v {type_}"))

    assert reading.kept == [(1, value)]
    assert len(reading.rejected) == bool(odd)


@pytest.mark.parametrize(
    ("type_", "written"),
    [
        ("integer", "1.5"),
        ("integer", "99999999999"),
        ("integer", "2147483648"),
        ("integer", "1e30"),
        ("integer", "1e-30"),
        ("integer", "nan"),
        ("smallint", "32768"),
        ("bigint", "9223372036854775808"),
        ("bigint", "1" * 50),
        ("decimal(10,2)", "1.005"),
        ("decimal(10,2)", "100000000.00"),
        ("decimal(10,2)", "inf"),
        ("varchar(5)", "ééé"),
        pytest.param("varchar(5)", "x" * 200_000, id="varchar(5)-a very long text"),
        ("date", "2023-02-29"),
        ("date", "2024-8-05Z"),
        ("boolean", "2"),
        ("smallint", "one"),
        ("real", "1e300"),
        ("bigint", "1.0000000000000000000001"),
        ("bigint", "1e-30"),
        ("decimal(10,2)", "1.2500000000000000000000001"),
        ("decimal(10,2)", "1e-30"),
        ("decimal(38,0)", "1" + "0" * 38),
        ("date", "2024-06-25 10:00:00"),
        ("date", "infinity"),
        ("timestamp", "2024-06-25 10:00:00+02"),
        ("timestamp", "2024-06-25 10:00:00-05:00"),
        ("timestamp", "2024-06-25 10:00+02"),
        ("timestamp", "2024-06-25 10:00:00Z"),
        ("timestamp", "2024-06-25 10:00:00 UTC"),
        ("timestamp", "2024-06-25 10:00:00 Asia/Tokyo"),
        ("timestamp", "2024-06-25 10:00:00.1234567"),
        ("timestamp", "-infinity"),
        ("timestamp", "1719309600"),
        ("timestamp", "epoch"),
        ("timestamptz", "2024-06-25 10:00:00.1234567Z"),
    ],
)
@pytest.mark.slow
@pytest.mark.parametrize("company", ["alone", "with another"])
def test_a_value_that_would_change_rejects_its_row(
    read_csv: ReadCsv, type_: str, written: str, company: str
) -> None:
    other = "1.5,\n" if company == "with another" else ""

    reading = read_csv({"1.csv": f"k,v\n1,\n{other}2,{written}\n3,\n"}, ("k integer", f"v {type_}"))

    assert [row[0] for row in reading.kept] == [1, 3]
    found = reading.rejected[-1]
    assert (found.line, found.name) == (4 if other else 3, "v")
    assert found.row == f"2,{written}"
    assert len(reading.rejected) == (2 if other else 1)
