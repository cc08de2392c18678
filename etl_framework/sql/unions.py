"""Give the parts of a UNION one type for each column, as Redshift does.

Source: Redshift's Database Developer Guide, "Computations with numeric values" (decimals in set
operations).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from etl_framework.sql.decimals import common

if TYPE_CHECKING:
    from sqlglot import exp


def align(tree: exp.Expr) -> bool:
    """Cast numbers of different types that a set operation brings into one column.

    Of a decimal(10,2) and a decimal(12,4) both become decimal(12,4). Otherwise the column would
    have the type of the first for sqlglot, and the digits of the second would be cut off.

    :param tree: a query with types; it is changed in place.
    :returns: whether anything was changed, so that the types have to be told again.
    """
    from sqlglot import exp

    changed = False
    for whole in tree.find_all(exp.SetOperation):
        if isinstance(whole.parent, exp.SetOperation):
            continue
        for column in zip(*(part.selects for part in parts(whole)), strict=False):
            values = [select.unalias() for select in column]
            wanted = common(values)
            for select, value in zip(column, values, strict=True):
                if wanted and value.type and value.type.sql("redshift") != wanted:
                    cast = exp.cast(value.copy(), wanted)
                    select.replace(exp.alias_(cast, select.output_name))
                    changed = True
    return changed


def parts(node: exp.Expr) -> list[exp.Query]:
    """The SELECTs that a set operation combines."""
    from sqlglot import exp

    inner = node.unnest()
    if isinstance(inner, exp.SetOperation):
        return [*parts(inner.left), *parts(inner.right)]
    return [inner] if isinstance(inner, exp.Query) else []
