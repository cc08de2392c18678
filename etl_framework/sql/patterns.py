"""The patterns of LIKE and SIMILAR TO with Redshift's meaning.

Sources: Redshift's Database Developer Guide, "LIKE" (the backslash is its escape unless another is
given), "SIMILAR TO" (metacharacters and escape).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError

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
