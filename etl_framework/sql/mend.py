"""What sqlglot translates from Redshift to DuckDB with another meaning, put right."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot import exp


def mend(tree: exp.Expr) -> exp.Expr:
    """The tree, with types annotated, so that DuckDB gives what Redshift would.

    Sources: Redshift's Database Developer Guide, "Mathematical operator symbols" (integer
    division), "AVG function" (the type of its result), "LISTAGG function".
    """
    return tree.transform(_mended)


def _mended(node: exp.Expr) -> exp.Expr:
    from sqlglot import exp

    if isinstance(node, exp.Div) and _whole(node.this) and _whole(node.expression):
        # Through a double, as sqlglot writes it, digits beyond the sixteenth are lost.
        return exp.IntDiv(this=node.this, expression=node.expression)
    if isinstance(node, exp.GroupConcat) and isinstance(node.this, exp.Distinct):
        listed = node.this.expressions
        if len(listed) == 2:
            node.this.set("expressions", listed[:1])
            node.set("separator", listed[1])
        return node
    if isinstance(node, exp.Avg) and _whole(node.this) and not isinstance(node.parent, exp.Window):
        return exp.cast(exp.Trunc(this=node), "BIGINT", copy=False) if not _cut(node) else node
    if isinstance(node, exp.Window) and isinstance(node.this, exp.Avg) and _whole(node.this.this):
        return exp.cast(exp.Trunc(this=node), "BIGINT", copy=False) if not _cut(node) else node
    return node


def _cut(node: exp.Expr) -> bool:
    from sqlglot import exp

    return isinstance(node.parent, exp.Trunc)


def _whole(node: exp.Expr | None) -> bool:
    """Whether an expression is of an integer type."""
    from sqlglot import exp

    return node is not None and node.is_type(*exp.DataType.INTEGER_TYPES)
