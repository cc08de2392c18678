"""Names of Redshift for what DuckDB calls otherwise: parts of dates, and functions.

Sources: Redshift's Database Developer Guide, "Date parts for date or timestamp functions", "SQL
functions reference".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.errors import PlanError, did_you_mean

if TYPE_CHECKING:
    from sqlglot import exp

_PARTS = {
    "millennium": "millennia mil mils", "century": "centuries c cent cents",
    "decade": "decades dec decs", "year": "years y yr yrs", "quarter": "quarters qtr qtrs",
    "month": "months mon mons", "week": "weeks w", "dow": "dayofweek dw weekday",
    "doy": "dayofyear dy yearday", "day": "days d", "hour": "hours h hr hrs",
    "minute": "minutes m min mins", "second": "seconds s sec secs",
    "millisecond": "milliseconds ms msec msecs msecond mseconds millisec millisecs millisecon",
    "microsecond": "microseconds microsec microsecs useconds us usec usecs",
}  # fmt: skip
_PLAIN = ("epoch", "timezone", "timezone_hour", "timezone_minute")  # have no other name
PARTS = {name: part for part, names in _PARTS.items() for name in names.split()}
CALLED = {
    "REPLICATE": "REPEAT", "FUNC_SHA1": "SHA1", "BTRIM": "TRIM", "OCTET_LENGTH": "STRLEN",
    "DLOG1": "LN", "DLOG10": "LOG10", "DEXP": "EXP",
}  # fmt: skip
PREFIXES = {"2": "0b", "10": "", "16": "0x"}
# Functions that compare two values, with the type in which they do.
COMPARED = {
    "DATE_CMP": "DATE", "DATE_CMP_TIMESTAMP": "TIMESTAMP", "DATE_CMP_TIMESTAMPTZ": "TIMESTAMPTZ",
    "TIMESTAMP_CMP": "TIMESTAMP", "TIMESTAMP_CMP_DATE": "TIMESTAMP",
    "TIMESTAMP_CMP_TIMESTAMPTZ": "TIMESTAMPTZ", "TIMESTAMPTZ_CMP": "TIMESTAMPTZ",
    "TIMESTAMPTZ_CMP_DATE": "TIMESTAMPTZ", "TIMESTAMPTZ_CMP_TIMESTAMP": "TIMESTAMPTZ",
    "INTERVAL_CMP": "INTERVAL", "BPCHARCMP": "VARCHAR", "BTTEXT_PATTERN_CMP": "VARCHAR",
}  # fmt: skip


def name_part(node: exp.Expr) -> None:
    """Give the part of a date that EXTRACT or DATE_TRUNC names its own name: `qtr`, `quarter`.

    :raises PlanError: there is no such part.
    """
    from sqlglot import exp

    key = "this" if isinstance(node, exp.Extract) else "unit"
    written = node.args.get(key)
    if not isinstance(written, exp.Var):
        return
    node.set(key, exp.var(_part(written.name).upper()))


def known_part(node: exp.TsOrDsAdd | exp.TsOrDsDiff) -> None:
    """Refuse a part that no date has.

    :raises PlanError: DATEADD or DATEDIFF names such a part.
    """
    if (unit := node.args.get("unit")) is not None:
        _part(unit.name)


def _part(written: str) -> str:
    """The one name of a part of a date."""
    name = written.lower()
    part = PARTS.get(name, name)
    if part not in (*_PARTS, *_PLAIN):
        raise PlanError(f"a date has no part '{name}'", did_you_mean(name, [*_PARTS, *PARTS]))
    return part


def number_in_base(node: exp.Expr) -> exp.Expr:
    """SQL for STRTOL: the integer that a text writes in base 2, 10 or 16.

    `STRTOL(a, 16)` becomes `CASE WHEN a LIKE '-%' THEN -CAST('0x' || SUBSTRING(a, 2) AS BIGINT)
    ELSE CAST('0x' || a AS BIGINT) END`.

    :raises PlanError: DuckDB reads no integer in that base.
    """
    from sqlglot import exp

    base = node.expression.name if node.expression.is_int else ""
    if base not in PREFIXES:
        raise PlanError("STRTOL is computed here for the bases 2, 10 and 16, written as a number")

    def read(text: exp.Expr) -> exp.Expr:
        prefixed = exp.DPipe(this=exp.Literal.string(PREFIXES[base]), expression=text)
        return exp.cast(prefixed, "BIGINT")

    text = node.this
    negative = exp.Like(this=text.copy(), expression=exp.Literal.string("-%"))
    rest = exp.Substring(this=text.copy(), start=exp.Literal.number(2))
    return exp.case().when(negative, exp.Neg(this=read(rest))).else_(read(text.copy()))


def compared(name: str, given: list[exp.Expr]) -> exp.Expr:
    """SQL for a comparison: -1, 0 or 1.

    `DATE_CMP(a, b)` becomes `CASE WHEN a < b THEN -1 WHEN a = b THEN 0 WHEN a > b THEN 1 END`.
    """
    from sqlglot import exp

    left, right = (exp.cast(side.copy(), COMPARED[name]) for side in given)
    case = exp.case()
    for kind, result in ((exp.LT, -1), (exp.EQ, 0), (exp.GT, 1)):
        case = case.when(kind(this=left.copy(), expression=right.copy()), str(result))
    return case
