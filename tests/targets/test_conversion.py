"""A value is converted exactly if nothing of it is lost, as plain Python judges it."""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from contextlib import closing
from datetime import date, datetime
from decimal import Decimal, localcontext
from random import Random
from typing import Any

import pytest

from etl_framework.columns import Column, ColumnType
from etl_framework.targets.conversion import RULES, Conversion
from tests.targets.places import Place

LOST = object()
DIGITS = Random(7)


def some_numbers(digits: int, scale: int) -> list[str]:
    """Numbers with so many digits at the most, some of them with zeros at their ends."""
    numbers = []
    for _ in range(12):
        whole = str(DIGITS.randrange(10 ** DIGITS.randint(0, digits - scale)))
        fraction = (
            str(DIGITS.randrange(10 ** DIGITS.randint(1, scale))).zfill(scale) if scale else ""
        )
        sign = DIGITS.choice(["", "-"]) if set(whole + fraction) != {"0"} else ""
        numbers.append(sign + whole + (f".{fraction}" if fraction else ""))
    return numbers


# Values of types, as texts.
VALUES = {
    "smallint": ["0", "1", "-1", "99", "100", "32767", "-32768"],
    "integer": ["0", "1", "7", "32767", "32768", "-32768", "-32769", "16777217", "2147483647"],
    "bigint": ["0", "1", "2147483648", "-2147483648", "-2147483649", "9007199254740992",
               "9007199254740993", "9223372036854775807", "-9223372036854775808",
               "123456789012345"],
    "decimal(10,2)": ["0.00", "1.50", "-1.50", "99999999.99", "100.00", "32768.00", "0.01",
                      *some_numbers(10, 2)],
    "decimal(38,10)": ["0.0000000000", "1.5000000000", "0.0000000001", "123456.7890123456",
                       "9999999999999999999999999999.9999999999", "9223372036854775808.0000000000",
                       *some_numbers(38, 10)],
    "real": ["0", "1", "1.5", "0.1", "-2.25", "100000", "1e30"],
    "double precision": ["0", "1", "1.5", "0.1", "-2.25", "32768", "1e30", "1e-300", "0.005",
                         "99999999.995", "123456.789", "9223372036854775808"],
    "varchar(40)": ["", " ", "abc", "1", "1.0", "1.50", "1.505", "-1", "007", "+1", "-0", "-0.0",
                    "1e3", " 1", "1 ", "32767", "32768", "-32768", "-32769", "9223372036854775807",
                    "9223372036854775808", "NaN", ".5", "5.", "0.5", "00.5", "äöü", "true", "false",
                    "TRUE", "t", "2024-02-29", "2023-02-29", "1900-02-29", "2000-02-29",
                    "2024-13-01",
                    "2024-04-31", "2024-1-1", "0000-01-01", "2024-06-25 10:30:00",
                    "2024-06-25T10:30:00.25", "2024-06-25 24:00:00", "2024-06-25 10:60:00",
                    "2024-06-25 10:30:00+02", "123456789012345.5", "12345678901234567890.5",
                    "99999999.99", "99999999.995", "100000000", "1\n", *some_numbers(8, 3)],
    "char(5)": ["ab", "abcde", "12", "007"],
    "boolean": ["true", "false"],
    "date": ["2024-02-29", "1970-01-01", "9999-12-31"],
    "timestamp": ["2024-02-29 00:00:00", "2024-02-29 10:30:00", "2024-02-29 00:00:00.000001"],
}  # fmt: skip
NEW = (
    "smallint", "integer", "bigint", "decimal(5,2)", "decimal(8,0)", "decimal(30,2)", "real",
    "double precision", "varchar(3)", "varchar(30)", "char(3)", "boolean", "date", "timestamp",
)  # fmt: skip
LARGEST = {"smallint": 2**15, "integer": 2**31, "bigint": 2**63}


def pairs() -> Iterator[tuple[ColumnType, ColumnType]]:
    for former in map(ColumnType.parse, VALUES):
        for new in map(ColumnType.parse, NEW):
            if (former.family, new.family) in RULES and not new.holds(former):
                yield former, new


def converted(text: str, former: ColumnType, new: ColumnType, kind: str) -> Any:
    """The value in its new type; LOST if something of it would be."""
    if new.family == "text":
        size = len(text) if kind == "postgres" else len(text.encode())
        blank = new.name == "char" and text.endswith(" ")
        text_then = float(text) if former.family == "float" else text
        return LOST if size > new.arguments[0] or blank else text_then
    if new.family == "boolean":
        known = (
            {"true": True, "false": False} if former.family == "text" else {"1": True, "0": False}
        )
        return known.get(text, LOST)
    if new.family in ("date", "timestamp"):
        return as_moment(text, new.family)
    if former.family == "boolean":
        return int(text == "true")
    if former.family == "text" and not re.fullmatch(r"-?(0|[1-9]\d*)(\.\d+)?", text):
        return LOST
    number = Decimal(text)
    if former.family == "text" and text.startswith("-") and not number:
        return LOST
    few = len(str(number).strip("0").replace(".", "")) <= 15
    if (former.family, new.family) == ("float", "decimal") and not few:
        return LOST  # a float keeps fifteen digits for sure: what has more is refused
    return as_number(number, former, new)


def as_moment(text: str, family: str) -> Any:
    forms = [r"\d{4}-\d\d-\d\d"]
    if family == "timestamp":
        forms.append(r"\d{4}-\d\d-\d\d[ T]\d\d:\d\d:\d\d(\.\d{1,6})?")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return LOST
    if family == "timestamp":
        return moment if any(re.fullmatch(form, text) for form in forms) else LOST
    midnight = moment == datetime.combine(moment.date(), datetime.min.time())
    whole = re.fullmatch(forms[0], text) or re.fullmatch(forms[0] + " 00:00:00", text)
    return moment.date() if whole and midnight else LOST


def as_number(number: Decimal, former: ColumnType, new: ColumnType) -> Any:
    if new.family == "integer":
        limit = LARGEST[new.name]
        whole = number == number.to_integral_value() and -limit <= number < limit
        return int(number) if whole else LOST
    if new.family == "decimal":
        digits, scale = new.arguments
        with localcontext(prec=80):
            scaled = number.scaleb(scale)
            fits = scaled == scaled.to_integral_value() and abs(scaled) < 10**digits
        return number if fits else LOST
    if former.family == "float":
        try:
            single = struct.unpack("f", struct.pack("f", float(number)))[0]
        except OverflowError:
            return LOST
        return single if single == float(number) else LOST
    limit, kept = {"real": (2**24, 6), "double precision": (2**53, 15)}[new.name]
    few = len(str(abs(number)).replace(".", "").strip("0")) <= kept
    whole = number == number.to_integral_value() and abs(number) <= limit
    return float(number) if few or whole else LOST


def same(value: Any, expected: Any, new: ColumnType) -> bool:
    if new.name == "real":
        return bool(abs(float(value) - expected) <= abs(expected) * 1e-6)
    if new.family == "text" and isinstance(expected, float):
        return float(value) == expected
    if new.name == "char":
        return str(value).rstrip(" ") == expected
    if isinstance(expected, date) and not isinstance(value, date):
        return str(value)[: len(str(expected))] == str(expected)
    return bool(value == expected)


@pytest.mark.parametrize("family", sorted({former.family for former, _ in pairs()}))
def test_what_fits_is_what_python_says(place: Place, family: str) -> None:
    """Also the values come out right, and a missing value stays one and is in nobody's way."""
    wrong, tried = [], 0
    with closing(place.open()) as warehouse:
        for number, (former, new) in enumerate(pairs()):
            if former.family != family:
                continue
            tried += 1
            texts = VALUES[str(former)]
            name, written = f"t{number}", warehouse.type_written(Column(name="v", type=former))
            column = Column(name="v", type=new)
            conversion = warehouse.conversion(former, column)
            assert isinstance(conversion, Conversion)
            warehouse.execute(f"CREATE TABLE {name} (id integer, v {written})")
            listed = ", ".join(f"({i}, {value(text, former)})" for i, text in enumerate(texts))
            warehouse.execute(f"INSERT INTO {name} VALUES {listed}, (-1, NULL)")
            misfit = conversion.misfit('"v"') or "1 = 0"
            lost = {i for (i,) in warehouse.query(f"SELECT id FROM {name} WHERE {misfit}")[1]}
            expected = [converted(text, former, new, place.kind) for text in texts]
            for i, (text, wanted) in enumerate(zip(texts, expected, strict=True)):
                if (wanted is LOST) != (i in lost):
                    wrong.append((str(former), str(new), text, "lost" if i in lost else "fits"))
            warehouse.execute(f"DELETE FROM {name} WHERE {misfit}")
            rows = f"SELECT id, {conversion.value('v')} FROM {name} WHERE id >= 0"
            for i, got in warehouse.query(rows)[1]:
                if expected[i] is not LOST and not same(got, expected[i], new):
                    wrong.append((str(former), str(new), texts[i], got))
            assert warehouse.query(f"SELECT COUNT(*) FROM {name} WHERE id = -1")[1] == [(1,)]

    assert tried and not wrong, "\n".join(map(str, wrong))


def value(text: str, former: ColumnType) -> str:
    """The SQL of a value."""
    quoted = "'" + text.replace("'", "''") + "'"
    return quoted if former.family == "text" else f"CAST({quoted} AS {former})"


@pytest.mark.parametrize(
    ("former", "new"),
    [
        ("timestamptz", "timestamp"),
        ("timestamp", "timestamptz"),
        ("varchar(40)", "timestamptz"),
        ("date", "integer"),
        ("boolean", "decimal(10,2)"),
    ],
)
def test_types_whose_values_mean_something_else(former: str, new: str) -> None:
    types = map(ColumnType.parse, (former, new))

    assert Conversion.of(*types, new, "LENGTH") is None


def test_the_sql_has_nothing_that_drivers_read_as_a_place() -> None:
    for former, new in pairs():
        conversion = Conversion(former, new, str(new), "LENGTH")
        sql = conversion.misfit('"v"') + conversion.value('"v"')
        assert not {"?", "%", "\\"} & set(sql), sql
