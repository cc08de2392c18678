"""Values of every type, with their extremes."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from hypothesis import strategies as st

# Everything but NUL, which PostgreSQL does not hold, and halves of letters.
LETTERS = st.characters(exclude_categories=["Cs"], exclude_characters="\0")
ODD_TEXTS = ["", " ", "NULL", '"', '""', "\\N", "\\.", "\n", "\r\n", ",", "'", "é", "e\u0301", "🎵"]
TEXTS = st.one_of(st.text(LETTERS, max_size=40), st.sampled_from(ODD_TEXTS))


def decimals(digits: int, scale: int) -> st.SearchStrategy[Decimal]:
    most = 10**digits - 1
    whole = st.one_of(st.integers(-most, most), st.sampled_from([most, -most, 0, 1, -1]))
    return whole.map(lambda number: Decimal(f"{number}E-{scale}"))


def whole(bits: int) -> st.SearchStrategy[int]:
    least, most = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    return st.one_of(st.integers(least, most), st.sampled_from([least, most, 0, -1]))


MOMENTS = st.one_of(
    st.datetimes().map(lambda moment: moment.replace(fold=0)),
    st.sampled_from([datetime.min, datetime.max, datetime(1969, 12, 31, 23, 59, 59, 999999)]),
)
# Type in PostgreSQL, type as declared, values.
KINDS: dict[str, tuple[str, str, st.SearchStrategy[Any]]] = {
    "c_text": ("text", "varchar(65535)", TEXTS),
    "c_wide": ("numeric(38,0)", "decimal(38,0)", decimals(38, 0)),
    "c_deep": ("numeric(38,38)", "decimal(38,38)", decimals(38, 38)),
    "c_money": ("numeric(18,4)", "decimal(18,4)", decimals(18, 4)),
    "c_small": ("smallint", "smallint", whole(16)),
    "c_integer": ("integer", "integer", whole(32)),
    "c_big": ("bigint", "bigint", whole(64)),
    "c_boolean": ("boolean", "boolean", st.booleans()),
    "c_double": ("double precision", "double precision", st.floats()),
    "c_real": ("real", "real", st.floats(width=32)),
    "c_date": ("date", "date", st.one_of(st.dates(), st.sampled_from([date.min, date.max]))),
    "c_moment": ("timestamp", "timestamp", MOMENTS),
    "c_instant": (
        "timestamptz",
        "timestamptz",
        st.datetimes(datetime(1, 1, 3), datetime(9999, 12, 29), timezones=st.just(UTC)),
    ),
}
TEXT_ONLY: dict[str, tuple[str, str, st.SearchStrategy[Any]]] = {
    "c_uuid": ("uuid", "varchar(36)", st.uuids().map(str)),
    "c_json": ("json", "varchar(65535)", st.dictionaries(TEXTS, st.integers()).map(json.dumps)),
}


def rows(kinds: dict[str, tuple[str, str, st.SearchStrategy[Any]]]) -> st.SearchStrategy[Any]:
    """Lists of rows, each value of which may be missing."""
    values = [st.one_of(st.none(), strategy) for _, _, strategy in kinds.values()]
    return st.lists(st.tuples(*values), min_size=1, max_size=30)


def comparable(row: tuple[Any, ...]) -> tuple[str, ...]:
    """A row with every value as text that tells it from every other, of its type or not."""
    return tuple(
        str(value.astimezone(UTC)) if isinstance(value, datetime) and value.tzinfo else repr(value)
        for value in row
    )
