"""Functions over texts in JSON, on DuckDB.

Source: Redshift's Database Developer Guide, "Text-based JSON functions".
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.errors import PlanError

if TYPE_CHECKING:
    from sqlglot import exp

# The start of a document that a function finds valid.
_STARTS = {"IS_VALID_JSON": r"^\s*\{", "IS_VALID_JSON_ARRAY": r"^\s*\[", "CAN_JSON_PARSE": ""}
# DuckDB reads over a comma before a closing bracket; texts in quotes may have one.
_QUOTED, _COMMA = r'"(\\.|[^"\\])*"', r",\s*[\]}]"
NAMES = frozenset(
    {*_STARTS, "JSON_EXTRACT_PATH_TEXT", "JSON_EXTRACT_ARRAY_ELEMENT_TEXT", "JSON_ARRAY_LENGTH"}
)


def json_text(name: str, given: list[exp.Expr]) -> exp.Expr:
    """SQL for one of these functions.

    `JSON_ARRAY_LENGTH(a, true)` becomes `CASE WHEN JSON_VALID(a) THEN JSON_ARRAY_LENGTH(a) END`.

    :param given: its arguments; the last may be `null_if_invalid`.
    :raises PlanError: `null_if_invalid` is computed.
    """
    from sqlglot import exp

    text, arguments = given[0], given[1:]
    if name in _STARTS:
        return _is_valid(text, _STARTS[name])
    null_if_invalid = False
    if arguments and isinstance(arguments[-1], exp.Boolean):
        null_if_invalid = bool(arguments.pop().this)
    if len(arguments) > 1 and name != "JSON_EXTRACT_PATH_TEXT":
        raise PlanError("null_if_invalid must be written as true or false")
    read = _read(name, text, arguments)
    return exp.case().when(_is_valid(text, ""), read) if null_if_invalid else read


def _read(name: str, text: exp.Expr, arguments: list[exp.Expr]) -> exp.Expr:
    """SQL for what a function reads out of a document."""
    from sqlglot import exp

    if name == "JSON_ARRAY_LENGTH":
        return _function(name, text)
    if name == "JSON_EXTRACT_PATH_TEXT":
        return _function("JSON_EXTRACT_STRING", text, _path(arguments))
    place = arguments[0]
    if isinstance(place, exp.Literal):
        return _function("JSON_EXTRACT_STRING", text, exp.Literal.string(f"$[{place.name}]"))
    path = _joined(
        exp.Literal.string("$["), exp.cast(place.copy(), "TEXT"), exp.Literal.string("]")
    )
    within = exp.GTE(this=exp.paren(place.copy()), expression=exp.Literal.number(0))
    return exp.case().when(within, _function("JSON_EXTRACT_STRING", text, path))


def _is_valid(text: exp.Expr, start: str) -> exp.Expr:
    """SQL that is true if a text is valid JSON and has a start."""
    from sqlglot import exp

    literal = exp.Literal.string
    bare = _function("REGEXP_REPLACE", text, literal(_QUOTED), literal('""'), literal("g"))
    comma = _function("REGEXP_MATCHES", bare, literal(_COMMA))
    valid = exp.and_(_function("JSON_VALID", text), exp.not_(comma))
    if start:
        valid = exp.and_(valid, _function("REGEXP_MATCHES", text, literal(start)))
    return exp.paren(valid)


def _path(names: list[exp.Expr]) -> exp.Expr:
    """SQL for the path to a value: `'a', b` becomes `'$."a"."' || b || '"'`."""
    from sqlglot import exp

    parts: list[exp.Expr] = [exp.Literal.string("$")]
    for name in names:
        parts += [exp.Literal.string('."'), name.copy(), exp.Literal.string('"')]
    return _joined(*parts)


def _joined(*parts: exp.Expr) -> exp.Expr:
    """SQL for one text of several; neighbouring literals become one."""
    from sqlglot import exp

    whole = parts[0]
    for part in parts[1:]:
        if whole.is_string and part.is_string:
            whole = exp.Literal.string(whole.name + part.name)
        else:
            whole = exp.DPipe(this=whole, expression=part)
    return whole if whole.is_string else exp.paren(whole)


def _function(name: str, *given: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    return exp.Anonymous(this=name, expressions=[value.copy() for value in given])
