"""Find values that a query compares and that Redshift, or every engine, refuses to compare.

Sources: Redshift's Database Developer Guide, "Type compatibility and conversion", "Datetime
literals", "Character types" (blanks at the end). An engine finds most of these only when it reads
the first row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING

from etl_framework.sql.blame import first_offset
from etl_framework.sql.scope import ScopeProblem

if TYPE_CHECKING:
    from sqlglot import exp

_MOMENT = re.compile(
    r"\s*(\d{4})([-/])(\d\d?)\2(\d\d?)"
    r"(?:[ T](\d\d?:\d\d(?::\d\d(?:\.\d{1,6})?)?)\s*(?:Z|[+-]\d\d(?::?\d\d)?)?)?\s*"
)
_WHOLE = re.compile(r"\s*[+-]?\d+\s*")
_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*")
_TRUTHS = ("t", "f", "true", "false", "y", "n", "yes", "no", "1", "0")
_KINDS = {"number": "a number", "whole": "a number", "moment": "a moment", "boolean": "a boolean"}


def comparisons() -> tuple[type[exp.Binary], ...]:
    """The kinds of nodes that compare one value with another."""
    from sqlglot import exp

    return exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE


def incomparable(tree: exp.Expr) -> Iterator[ScopeProblem]:
    """Every comparison of a query that can only fail, and every literal that is no such value.

    :param tree: a query with types.
    """
    from sqlglot import exp

    choices = (exp.Case, exp.DecodeCase, exp.Coalesce)
    for node in tree.find_all(exp.Predicate, exp.Cast, *choices):
        if isinstance(node, choices):
            yield from _mixed(_alternatives(node))
        elif isinstance(node, exp.Cast) and not isinstance(node, exp.TryCast):
            yield from _wrong_text(node.this, kind_of(node.to))
        for left, right in _compared(node):
            a, b = kind_of(left.type), kind_of(right.type)
            yield from _wrong_text(left, b)
            yield from _wrong_text(right, a)
            yield from _blank_end(left, right)
            yield from _blank_end(right, left)
            if "moment" in (a, b) and a != b and a in _KINDS and b in _KINDS:
                message = f"{_KINDS[a]} cannot be compared with {_KINDS[b]}"
                hint = "CAST one side to the type of the other"
                yield ScopeProblem(first_offset(left), "E415", message, hint)


def _compared(node: exp.Expr) -> Iterator[tuple[exp.Expr, exp.Expr]]:
    """The pairs of values that a predicate compares."""
    from sqlglot import exp

    if isinstance(node, comparisons()):
        yield node.this, node.expression
    elif isinstance(node, exp.Between):
        yield node.this, node.args["low"]
        yield node.this, node.args["high"]
    elif isinstance(node, exp.In):
        for value in node.expressions:
            yield node.this, value


def _alternatives(node: exp.Expr) -> list[exp.Expr]:
    """The values of which a CASE, DECODE or COALESCE gives one."""
    from sqlglot import exp

    if isinstance(node, exp.Case):
        values = [branch.args["true"] for branch in node.args["ifs"]]
        return [value for value in (*values, node.args.get("default")) if value is not None]
    given = node.expressions
    if isinstance(node, exp.DecodeCase):  # DECODE(a, 1, 'x', 2, 'y', 'z'): 'x', 'y', 'z'
        return [*given[2::2], *given[-1:]] if len(given) % 2 == 0 else given[2::2]
    return [node.this, *given]


def _mixed(values: Sequence[exp.Expr]) -> Iterator[ScopeProblem]:
    """Every literal text among values of another kind that is no such value."""
    kinds = [kind_of(value.type) for value in values]
    for value in values:
        for kind in filter(None, kinds):
            yield from _wrong_text(value, "number" if kind == "whole" else kind)
            break


def kind_of(type_: exp.DataType | None) -> str:
    """The kind of a type: `whole`, `number`, `moment`, `boolean`; empty for any other."""
    return _kinds().get(type_.this, "") if type_ is not None else ""


@cache
def _kinds() -> dict[object, str]:
    from sqlglot import exp

    moments = (exp.DType.DATE, exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ)
    return {
        **dict.fromkeys(exp.DataType.NUMERIC_TYPES, "number"),
        **dict.fromkeys(exp.DataType.INTEGER_TYPES, "whole"),
        **dict.fromkeys(moments, "moment"),
        exp.DType.BOOLEAN: "boolean",
    }


def _wrong_text(node: exp.Expr, kind: str) -> Iterator[ScopeProblem]:
    """The problem of a literal text that stands for a value of a kind and is none."""
    from sqlglot import exp

    value = node.unnest()
    if not (isinstance(value, exp.Literal) and value.is_string and kind):
        return
    if message := why_not(value.name, kind):
        hint = "write it like '2024-01-31' or '2024-01-31 10:30:00'" if kind == "moment" else ""
        yield ScopeProblem(first_offset(value), "E415", message, hint)


def _blank_end(node: exp.Expr, other: exp.Expr) -> Iterator[ScopeProblem]:
    """The problem of a literal text with blanks at its end, which Redshift does not compare."""
    from sqlglot import exp

    value = node.unnest()
    texts = exp.DataType.TEXT_TYPES
    if value.is_string and value.name.endswith(" ") and other.type and other.type.this in texts:
        message = "blanks at the end of a text count on DuckDB, and not on Redshift"
        hint = "write RTRIM(a) = 'b', without blanks at the end of the text"
        yield ScopeProblem(first_offset(value), "E415", message, hint)


def why_not(text: str, kind: str) -> str:
    """Why a text cannot be a value of a kind; empty if it can."""
    if kind == "moment":
        match = _MOMENT.fullmatch(text)
        if match is None:
            # Redshift reads some others, such as '20240131', and DuckDB none of them.
            return f"'{text}' is no date in the form 2024-01-31"
        day = f"{match[1]}-{match[3]}-{match[4]}"
        return "" if _exists(day, match[5] or "0:0") else f"'{text}' is no date"
    if kind == "boolean":
        return "" if text.strip().lower() in _TRUTHS else f"'{text}' is no boolean"
    pattern, what = (_WHOLE, "whole number") if kind == "whole" else (_NUMBER, "number")
    return "" if pattern.fullmatch(text) else f"'{text}' is no {what}"


def _exists(day: str, time: str) -> bool:
    """Whether a calendar has a day, and a clock a time."""
    form = "%H:%M:%S.%f" if "." in time else "%H:%M:%S" if time.count(":") == 2 else "%H:%M"
    try:
        datetime.strptime(f"{day} {time}", f"%Y-%m-%d {form}")
    except ValueError:
        return time.partition(".")[0] in ("24:00", "24:00:00")
    return True
