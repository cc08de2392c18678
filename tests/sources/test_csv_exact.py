"""Values of CSV files arrive exactly as they are written, or their row is rejected."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest

from tests.sources.conftest import ReadCsv


@pytest.mark.parametrize(
    ("type_", "written", "value"),
    [
        ("integer", "1e3", 1000),
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
        ("varchar(6)", "NULL", "NULL"),
        ("varchar(6)", "a\0b", "a\0b"),
        ("timestamp", "1969-12-31 23:59:59.000001", datetime(1969, 12, 31, 23, 59, 59, 1)),
        ("timestamp", "2024-06-25T10:00:00", datetime(2024, 6, 25, 10)),
        ("double precision", "1e300", 1e300),
    ],
)
def test_a_value_that_fits_is_kept(read_csv: ReadCsv, type_: str, written: str, value: Any) -> None:
    reading = read_csv({"1.csv": f"k,v\n1,{written}\n"}, ("k integer", f"v {type_}"))

    assert reading.kept == [(1, value)]


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
        ("boolean", "2"),
        ("smallint", "one"),
        ("real", "1e300"),
    ],
)
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
