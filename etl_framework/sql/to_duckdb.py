"""Rewrite what sqlglot would translate to SQL that gives other values on DuckDB.

Sources: Redshift's Database Developer Guide, "LISTAGG function" (no separator), "CONCAT function"
(empty values), "ADD_MONTHS function" (the last day of a month), "DATEADD function" (the type of its
result), "TRUNC function" (dates), "REGEXP_REPLACE function" (all occurrences), "LIKE" and "SIMILAR
TO" (escapes), "CAST function" and "Character types" (lengths in bytes), "RATIO_TO_REPORT window
function".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.arithmetic import combine, divide, mean, not_zero, total
from etl_framework.sql.names import CALLED, COMPARED, compared, name_part, number_in_base
from etl_framework.sql.patterns import similar_to, with_escape

if TYPE_CHECKING:
    from sqlglot import exp

# Words of TO_CHAR's formats that sqlglot does not translate, with those of strftime; None: strftime
# has no such word.
FORMATS = {
    "FMMonth": "%B", "FMDay": "%A", "Mon": "%b", "Dy": "%a", "AM": "%p", "PM": "%p",
    "Month": None, "MONTH": None, "month": None, "MON": None, "mon": None, "Day": None, "DAY": None,
    "day": None, "DY": None, "dy": None, "am": None, "pm": None, "Q": None, "J": None, "W": None,
    "WW": None, "IW": None, "ID": None, "IYYY": None, "RM": None, "TZ": None, "tz": None,
    "OF": None, "BC": None, "AD": None, "CC": None, "SSSS": None, "th": None, "TH": None,
}  # fmt: skip
_WORD = re.compile(r'"([^"]*)"|%.|' + "|".join(sorted(FORMATS, key=len, reverse=True)))


def to_duckdb(node: exp.Expr) -> None:
    """Rewrite one node; its inner nodes must be rewritten before.

    :raises PlanError: DuckDB has nothing that gives the same values.
    """
    from sqlglot import exp

    if isinstance(node, exp.Extract | exp.TimestampTrunc):
        name_part(node)
    if isinstance(node, exp.Div):
        divide(node)
    elif isinstance(node, exp.Add | exp.Sub | exp.Mul):
        combine(node)
    elif isinstance(node, exp.Mod):
        node.set("expression", not_zero(node.expression))
    elif isinstance(node, exp.Avg):
        mean(node)
    elif isinstance(node, exp.Sum):
        total(node)
    elif isinstance(node, exp.GroupConcat):
        _list(node)
    elif isinstance(node, exp.Concat):
        node.replace(_joined(node.expressions))
    elif isinstance(node, exp.RegexpReplace):
        node.set("modifiers", exp.Literal.string("g"))
        node.set("single_replace", False)
    elif isinstance(node, exp.SimilarTo):
        whole, regex = similar_to(node)
        pattern = exp.Literal.string(f"(?s){regex}")
        whole.replace(exp.Anonymous(this="REGEXP_FULL_MATCH", expressions=[node.this, pattern]))
    elif isinstance(node, exp.Like | exp.ILike):
        with_escape(node)
    elif isinstance(node, exp.Trunc) and node.this.is_type(
        exp.DType.TIMESTAMP, exp.DType.TIMESTAMPTZ, exp.DType.DATE
    ):
        node.replace(exp.cast(node.this, "DATE"))
    elif isinstance(node, exp.TimestampTrunc) and node.this.is_type(exp.DType.DATE):
        node.set("this", exp.cast(node.this, "TIMESTAMP"))
    elif isinstance(node, exp.TsOrDsAdd) and node.this.is_type(exp.DType.TIMESTAMPTZ):
        node.set("return_type", exp.DataType.build("TIMESTAMPTZ"))
    elif isinstance(node, exp.TimeToStr | exp.StrToTime | exp.StrToDate | exp.TsOrDsToDate):
        _format(node)
    elif isinstance(node, exp.Cast) and node.to.is_type(exp.DType.VARCHAR) and node.to.expressions:
        _cut(node)
    elif isinstance(node, exp.Cast) and node.to.is_type(exp.DType.DECIMAL):
        if not node.to.expressions:
            node.set("to", exp.DataType.build("DECIMAL(18,0)"))
    elif isinstance(node, exp.FromBase):
        node.replace(number_in_base(node))
    elif isinstance(node, exp.ToNumber):
        instead = "CAST(REPLACE(..., ',', '') AS DECIMAL(18,2))"
        raise PlanError(f"TO_NUMBER is computed by Redshift only: write {instead}")
    elif isinstance(node, exp.Anonymous):
        _function(node)


def _list(node: exp.GroupConcat) -> None:
    from sqlglot import exp

    if isinstance(node.this, exp.Distinct) and len(node.this.expressions) > 1:
        column, separator = node.this.expressions
        node.this.set("expressions", [column])
        node.set("separator", separator)
    elif not node.args.get("separator"):
        node.set("separator", exp.Literal.string(""))


def _joined(parts: list[exp.Expr]) -> exp.Expr:
    """Join texts; the result is NULL if one of them is. `CONCAT(a, 'x')` becomes `a || 'x'`."""
    from sqlglot import exp

    texts = [part if part.is_string else exp.cast(part, "TEXT") for part in parts]
    joined: exp.Expr = texts[0]
    for text in texts[1:]:
        joined = exp.DPipe(this=joined, expression=text)
    return exp.paren(joined)


def _format(node: exp.Expr) -> None:
    """Translate the format of a date for DuckDB.

    :raises PlanError: a number is formatted, or DuckDB has no such format.
    """
    from sqlglot import exp

    written = node.args.get("format")
    if written is None:
        return
    if node.this.is_type(*exp.DataType.NUMERIC_TYPES):
        raise PlanError("TO_CHAR of a number: write CAST(... AS VARCHAR), or LPAD")
    if not written.is_string:
        raise PlanError("the format of a date must be written as a text")

    def known(match: re.Match[str]) -> str:
        word = match[0]
        if word.startswith("%"):
            return word
        if word.startswith('"'):
            return match[1].replace("%", "%%")
        form = FORMATS[word]
        if form is None:
            raise PlanError(f"the format '{word}' of a date means something on Redshift only")
        return form

    written.set("this", _WORD.sub(known, written.name))


def _cut(node: exp.Cast) -> None:
    """Cut a text to the bytes of its type, which DuckDB does not do.

    `CAST(a AS VARCHAR(3))`, with the text called `t`, becomes:

        CASE WHEN strlen(t) <= 3 THEN t
             WHEN NOT substr(hex(encode(t)), 7, 1) IN ('8', '9', 'A', 'B')
             THEN decode(array_slice(encode(t), 1, 3))
             ... the same with 2 and with 1 byte ...
             ELSE decode(array_slice(encode(t), 1, 0)) END
    """
    import sqlglot
    from sqlglot import exp

    size = int(node.to.expressions[0].this.name)
    node.to.set("expressions", [])
    text = node.copy()
    # A letter has up to four bytes; all but the first are 0x80 to 0xBF. No letter is cut in two: if
    # the byte behind the end (hexadecimal digit 2 * end + 1) is one of those, fewer bytes are kept.
    inside = "substr(hex(encode(t)), {}, 1) IN ('8', '9', 'A', 'B')"
    start = "decode(array_slice(encode(t), 1, {}))"
    ways = [
        f"WHEN NOT {inside.format(2 * end + 1)} THEN {start.format(end)}"
        for end in range(size, max(size - 3, 0), -1)
    ]
    last = start.format(max(size - 3, 0))
    whole = f"CASE WHEN strlen(t) <= {size} THEN t {' '.join(ways)} ELSE {last} END"
    cut = sqlglot.parse_one(whole, read="duckdb")

    def filled(inner: exp.Expr) -> exp.Expr:
        if isinstance(inner, exp.Column) and inner.name == "t":
            return exp.paren(text.copy())
        return inner

    node.replace(exp.paren(cut.transform(filled)))


def _function(node: exp.Anonymous) -> None:
    """Rewrite a function that sqlglot does not know."""
    from sqlglot import exp

    name, given = str(node.this).upper(), node.expressions
    if name == "ADD_MONTHS":
        # CASE WHEN LAST_DAY(d) = d THEN LAST_DAY(d + n months) + time of d ELSE d + n months END
        moment = exp.cast(given[0], "TIMESTAMP")
        interval = exp.Interval(this=exp.paren(given[1]), unit=exp.var("MONTH"))
        added = exp.Add(this=moment, expression=interval)
        last = exp.func("LAST_DAY", exp.cast(added.copy(), "DATE"))
        at = exp.cast(moment.copy(), "TIME")
        is_last = exp.EQ(
            this=exp.func("LAST_DAY", exp.cast(moment.copy(), "DATE")),
            expression=exp.cast(moment.copy(), "DATE"),
        )
        on_last = exp.Add(this=exp.cast(last, "DATE"), expression=at)
        node.replace(exp.case().when(is_last, on_last).else_(added))
    elif name == "DATE_PART_YEAR":
        node.replace(exp.Extract(this=exp.var("YEAR"), expression=given[0]))
    elif name in CALLED:
        node.set("this", CALLED[name])
    elif name in COMPARED and len(given) == 2:
        node.replace(compared(name, given))
    elif name == "JSON_EXTRACT_ARRAY_ELEMENT_TEXT":
        path = exp.DPipe(
            this=exp.DPipe(this=exp.Literal.string("$["), expression=exp.cast(given[1], "TEXT")),
            expression=exp.Literal.string("]"),
        )
        node.set("this", "JSON_EXTRACT_STRING")
        node.set("expressions", [given[0], exp.paren(path)])
    elif name == "RATIO_TO_REPORT" and isinstance(node.parent, exp.Window):
        window = node.parent
        total = window.copy()
        total.set("this", exp.Sum(this=given[0].copy()))
        part = exp.cast(given[0].copy(), "DOUBLE")
        window.replace(exp.paren(exp.Div(this=part, expression=total)))
