"""Functions over texts, on DuckDB.

Sources: Redshift's Database Developer Guide, "CAST function" and "Character types" (lengths in
bytes), "LISTAGG function" (empty texts, no separator), "CONCAT function" (empty values), "SUBSTRING
function" (a start before the text), "OCTETINDEX function", "SHA2 function".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.errors import PlanError

if TYPE_CHECKING:
    from sqlglot import exp


def list_texts(node: exp.GroupConcat) -> None:
    """Rewrite LISTAGG, in place: it passes over empty texts, and separates by nothing if not told.

    `LISTAGG(a)` becomes `LISTAGG(a, '') FILTER (WHERE a <> '')`.
    """
    from sqlglot import exp

    distinct = isinstance(node.this, exp.Distinct)
    if distinct and len(node.this.expressions) > 1:
        column, separator = node.this.expressions
        node.this.set("expressions", [column])
        node.set("separator", separator)
    elif not node.args.get("separator"):
        node.set("separator", exp.Literal.string(""))
    value = node.this.expressions[0] if distinct else node.this
    if value.is_type(*exp.DataType.TEXT_TYPES):
        whole = node.parent if isinstance(node.parent, exp.WithinGroup) else node
        filled = exp.NEQ(this=value.copy(), expression=exp.Literal.string(""))
        whole.replace(exp.Filter(this=whole.copy(), expression=exp.Where(this=filled)))


def joined(parts: list[exp.Expr]) -> exp.Expr:
    """Join texts; the result is NULL if one of them is. `CONCAT(a, 'x')` becomes `a || 'x'`."""
    from sqlglot import exp

    texts = [part if part.is_string else exp.cast(part, "TEXT") for part in parts]
    whole: exp.Expr = texts[0]
    for text in texts[1:]:
        whole = exp.DPipe(this=whole, expression=text)
    return exp.paren(whole)


def text_of(node: exp.Expr) -> None:
    """Cast what a function takes as a text, in place: Redshift takes numbers and moments for it."""
    from sqlglot import exp

    value = node.this
    if value.type and value.is_type(*exp.DataType.NUMERIC_TYPES, *exp.DataType.TEMPORAL_TYPES):
        node.set("this", exp.cast(value, "VARCHAR"))


def part_of_text(node: exp.Substring) -> None:
    """Begin a part of a text before its start: DuckDB would count from the end.

    `SUBSTRING(a, b, c)` becomes `SUBSTRING(a, CASE WHEN b < 1 THEN 1 ELSE b END, CASE WHEN b < 1
    THEN c + b - 1 ELSE c END)`.
    """
    from sqlglot import exp

    start, length = node.args.get("start"), node.args.get("length")
    if length is not None:
        not_negative(length, "SUBSTRING")
    if start is None or isinstance(start, exp.Literal):  # not negative
        return
    one, number = exp.Literal.number(1), exp.paren(start.copy())
    before = exp.LT(this=number, expression=one)
    node.set("start", exp.case().when(before, one.copy()).else_(number.copy()))
    if length is not None:
        longer = exp.Add(this=exp.paren(length.copy()), expression=number.copy())
        shorter = exp.Sub(this=longer, expression=one.copy())
        node.set("length", exp.case().when(before.copy(), shorter).else_(length.copy()))


def not_negative(number: exp.Expr, function: str) -> None:
    """Refuse a number of letters below zero.

    :raises PlanError: such a number is written.
    """
    if number.is_int and int(number.to_py()) < 0:
        raise PlanError(f"{function} takes no number of letters below zero")


def place_in_bytes(part: exp.Expr, text: exp.Expr) -> exp.Expr:
    """SQL for OCTETINDEX: the byte at which a part begins, from 1, or 0.

    `OCTETINDEX(a, b)` becomes `CASE WHEN STRPOS(b, a) > 0 THEN
    STRLEN(LEFT(b, STRPOS(b, a) - 1)) + 1 WHEN STRPOS(b, a) = 0 THEN 0 END`.
    """
    from sqlglot import exp

    place = exp.Anonymous(this="STRPOS", expressions=[text.copy(), part.copy()])
    start = exp.func("LEFT", text.copy(), exp.Sub(this=place, expression=exp.Literal.number(1)))
    before = exp.Anonymous(this="STRLEN", expressions=[start])
    found = exp.GT(this=place.copy(), expression=exp.Literal.number(0))
    missing = exp.EQ(this=place.copy(), expression=exp.Literal.number(0))
    at = exp.Add(this=before, expression=exp.Literal.number(1))
    return exp.case().when(found, at).when(missing, exp.Literal.number(0))


def part_between(node: exp.SplitPart) -> None:
    """Refuse a part that is counted from the end: Redshift counts from 1.

    :raises PlanError: the number of the part is written, and is less than 1.
    """
    place = node.args.get("part_index")
    if place is not None and place.is_int and int(place.to_py()) < 1:
        raise PlanError("SPLIT_PART counts its parts from 1", "write 1 for the first part")


def digest(node: exp.SHA2) -> None:
    """Refuse the lengths of SHA2 that DuckDB cannot compute; 0 stands for 256.

    :raises PlanError: the length is another.
    """
    from sqlglot import exp

    length = node.args.get("length")
    if length is not None and length.name not in ("0", "256"):
        raise PlanError("SHA2 is computed here with 256 bits only", "write SHA2(..., 256), or MD5")
    node.set("length", exp.Literal.number(256))


def cut(node: exp.Cast, size: int, *, blanks: bool = True) -> None:
    """Cut a text to the bytes of its type, which DuckDB does not do.

    Blanks at the end of a CHAR count neither in comparisons nor in LEN: they are taken off.

    `CAST(a AS VARCHAR(3))`, with the text called `t`, becomes:

        CASE WHEN strlen(t) <= 3 THEN t
             WHEN NOT substr(hex(encode(t)), 7, 1) IN ('8', '9', 'A', 'B')
             THEN decode(array_slice(encode(t), 1, 3))
             ... the same with 2 and with 1 byte ...
             ELSE decode(array_slice(encode(t), 1, 0)) END
    """
    import sqlglot
    from sqlglot import exp

    node.set("to", exp.DataType.build("VARCHAR"))
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

    def filled(inner: exp.Expr) -> exp.Expr:
        if isinstance(inner, exp.Column) and inner.name == "t":
            return exp.paren(text.copy())
        return inner

    made = exp.paren(sqlglot.parse_one(whole, read="duckdb").transform(filled))
    rest = exp.Anonymous(this="RTRIM", expressions=[made, exp.Literal.string(" ")])
    node.replace(made if blanks else rest)
