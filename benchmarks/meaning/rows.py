"""Compare the rows of a KPI with those of the reference, and say what differs in which columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from math import isclose
from typing import Any

import duckdb

DIGITS = 1e-12  # doubles are alike if they differ in no more than this part
CUT, WHOLE = "cut", "whole"


@dataclass(frozen=True)
class Rows:
    """The result of a query: its columns with their DuckDB types, and its rows in any order."""

    columns: Sequence[tuple[str, str]]
    rows: Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Verdict:
    """How two results differ.

    :param columns: the columns whose values are those of the reference, cut off: to their scale
        (`cut`), or to an integer (`whole`).
    :param wrong: any other difference, in words; empty if there is none.
    :param exact: the columns that are doubles in the reference and are none here, as `columns`.
    """

    columns: dict[str, str]
    wrong: str = ""
    exact: dict[str, str] = field(default_factory=dict)


def rows_of(session: duckdb.DuckDBPyConnection, sql: str) -> Rows:
    """The rows and columns that a query gives."""
    columns = [(row[0], row[1]) for row in session.execute(f"DESCRIBE {sql}").fetchall()]
    return Rows(columns, session.execute(sql).fetchall())


def compare(ours: Rows, reference: Rows) -> Verdict:
    """Compare two results, row by row."""
    if len(ours.columns) != len(reference.columns):
        return Verdict({}, f"{len(ours.columns)} columns, not {len(reference.columns)}")
    if len(ours.rows) != len(reference.rows):
        return Verdict({}, f"{len(ours.rows)} rows, not {len(reference.rows)}")
    inexact = {
        index
        for index, ((_, given), (_, wanted)) in enumerate(
            zip(ours.columns, reference.columns, strict=True)
        )
        if "DOUBLE" in (given, wanted)
    }
    columns: dict[str, str] = {}
    for one, other in zip(_sorted(ours, inexact), _sorted(reference, inexact), strict=True):
        for index, (value, wanted) in enumerate(zip(one, other, strict=True)):
            name, type_ = ours.columns[index]
            if not _equal(value, wanted):
                if index not in inexact or not _cut(value, wanted, type_):
                    return Verdict(columns, f"{name} is {value!r}, not {wanted!r}")
                columns[name] = _kind(type_)
    exact = {
        name: _kind(type_)
        for index, (name, type_) in enumerate(ours.columns)
        if index in inexact and type_ != "DOUBLE"
    }
    return Verdict(columns, exact=exact)


def _kind(type_: str) -> str:
    return WHOLE if type_ == "BIGINT" else CUT


def _sorted(result: Rows, inexact: set[int]) -> list[tuple[Any, ...]]:
    """The rows in an order that both results have: by what is exact in them."""

    def key(row: tuple[Any, ...]) -> list[tuple[bool, Any]]:
        exact = [value for index, value in enumerate(row) if index not in inexact]
        rest = [value for index, value in enumerate(row) if index in inexact]
        return [(value is not None, value) for value in (*exact, *rest)]

    return sorted(result.rows, key=key)


def _equal(value: Any, wanted: Any) -> bool:
    if isinstance(value, float) or isinstance(wanted, float):
        both = value is not None and wanted is not None
        return both and isclose(float(value), float(wanted), rel_tol=DIGITS)
    return bool(value == wanted)


def _cut(value: Any, wanted: Any, type_: str) -> bool:
    """Whether an exact value is a double without the digits that its type has no room for."""
    if value is None or wanted is None or isinstance(value, float):
        return False
    scale = int(type_.rstrip(")").partition(",")[2]) if type_.startswith("DECIMAL") else 0
    left = abs(Decimal(wanted)) - abs(Decimal(value))
    least = abs(Decimal(wanted)) * Decimal(DIGITS)
    same_sign = not value or (value < 0) == (wanted < 0)
    return same_sign and -least <= left < Decimal(1).scaleb(-scale) + least
