"""The patterns of LIKE, SIMILAR TO and of regular expressions with Redshift's meaning.

Sources: Redshift's Database Developer Guide, "LIKE" (the backslash is its escape unless another is
given), "SIMILAR TO" (metacharacters and escape), "REGEXP_REPLACE function" (all occurrences),
"REGEXP_SUBSTR function" (parameters).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError
from etl_framework.sql.planner import pattern_error

if TYPE_CHECKING:
    from sqlglot import exp

ESCAPE = "\\"
_ANY = {"%": ".*", "_": "."}
_SET = r"(?P<set>\[\^?\]?(?:\[:\w+:\]|[^\]])*\])"
_KEPT = "|*+?{}()"  # mean in SIMILAR TO what they mean in a regular expression


def with_escape(node: exp.Like | exp.ILike) -> None:
    """Write the escape of LIKE that Redshift has without being told, where it may matter.

    `a LIKE b` becomes `a LIKE b ESCAPE '\\'`.
    """
    from sqlglot import exp

    pattern = node.expression
    plain = pattern.is_string and ESCAPE not in pattern.name
    if plain or isinstance(pattern, exp.Any | exp.All) or isinstance(node.parent, exp.Escape):
        return
    node.replace(exp.Escape(this=node.copy(), expression=exp.Literal.string(ESCAPE)))


def similar_to(node: exp.SimilarTo) -> tuple[exp.Expr, str]:
    """The node to replace for a SIMILAR TO, and its pattern as a regular expression.

    :raises PlanError: the pattern or the escape is computed, so it is not known here.
    """
    from sqlglot import exp

    whole = node.parent if isinstance(node.parent, exp.Escape) else node
    escape = whole.expression if isinstance(whole, exp.Escape) else exp.Literal.string(ESCAPE)
    if not (node.expression.is_string and escape.is_string):
        raise PlanError("the pattern of SIMILAR TO must be written as a text")
    return whole, _as_regex(node.expression.name, escape.name)


def _as_regex(pattern: str, escape: str) -> str:
    """The regular expression, to match a whole text, for a pattern of SIMILAR TO.

    `a%.[[:digit:]_]` becomes `a.*\\.[[:digit:]_]`.
    """
    escaped = re.escape(escape) + "(?P<escaped>.)" if escape else "(?P<escaped>(?!))"
    words = re.compile(f"{escaped}|{_SET}|(?P<other>.)", re.DOTALL)

    def translated(match: re.Match[str]) -> str:
        if match["escaped"]:
            return re.escape(match["escaped"])
        if match["set"]:
            return match["set"].replace("\\", "\\\\")
        letter = match["other"]
        return _ANY.get(letter) or (letter if letter in _KEPT else re.escape(letter))

    return words.sub(translated, pattern)


def known_pattern(node: exp.Expr) -> None:
    """Refuse a pattern that is written as a text and that DuckDB cannot read.

    :raises PlanError: the pattern of a regular expression is such a one.
    """
    pattern = node.expression
    if pattern.is_string and (wrong := pattern_error(pattern.name)):
        raise PlanError(f"the pattern cannot be read: {wrong}", "write a POSIX pattern")


def with_parameters(node: exp.Expr) -> None:
    """Give a function of regular expressions its parameters, in place.

    `REGEXP_REPLACE(a, b, c, 1, 'i')` becomes `REGEXP_REPLACE(a, b, c, 'gi')`.

    :raises PlanError: DuckDB has nothing that gives the same.
    """
    from sqlglot import exp

    known_pattern(node)
    replaces = isinstance(node, exp.RegexpReplace)
    written = node.args.get("modifiers" if replaces else "parameters")
    if written is not None and not written.is_string:
        raise PlanError(f"the parameters of {_name(node)} must be written as a text")
    letters = written.name if written is not None else ""
    if "p" in letters:
        raise PlanError("DuckDB has no patterns of PCRE", "write a POSIX pattern, without 'p'")
    if replaces:
        _replace_all(node, letters)
    elif "e" in letters:
        _take_group(node, letters.replace("e", ""))
    elif letters and isinstance(node, exp.RegexpExtract):
        node.set("group", exp.Literal.number(0))  # DuckDB 1.4 takes letters behind a group alone


def _replace_all(node: exp.Expr, letters: str) -> None:
    from sqlglot import exp

    replacement = node.args.get("replacement")
    if replacement is not None and re.search(r"[$\\]\d", replacement.name):
        message = "a replacement cannot name the groups of its pattern"
        raise PlanError(message, "write REGEXP_SUBSTR(..., 'e') for each group, joined by ||")
    node.set("replacement", replacement or exp.Literal.string(""))
    node.set("modifiers", exp.Literal.string("g" + letters.replace("c", "")))
    node.set("single_replace", False)


def _take_group(node: exp.Expr, letters: str) -> None:
    """Give the first group of a pattern, for REGEXP_SUBSTR with the parameter `e`."""
    from sqlglot import exp

    if not (isinstance(node, exp.RegexpExtract) and node.expression.is_string):
        instead = "REGEXP_SUBSTR(..., 'e') with the pattern written as a text"
        raise PlanError(f"the first group of {_name(node)} cannot be told: write {instead}")
    groups = re.search(r"(?<!\\)\((?!\?)", node.expression.name)
    node.set("group", exp.Literal.number(1 if groups else 0))
    node.set("parameters", exp.Literal.string(letters) if letters else None)


def _name(node: exp.Expr) -> str:
    return node.sql("redshift").partition("(")[0]
