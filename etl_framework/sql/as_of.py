"""The version of a row that was valid at a moment: the condition of a join, written and read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from etl_framework.sql.quote import quote, quote_table

if TYPE_CHECKING:
    from sqlglot import exp

# What a history calls the moments from which, and until which, a version of a row is valid.
VALID_FROM, VALID_TO = "valid_from", "valid_to"


def condition(history: str, moment: str) -> str:
    """Return the condition that a version of a history was valid at a moment.

    :param history: what the query calls the history.
    :param moment: a column, with the name of its table.

    For example, for `c` and `f.at`:

        ("f"."at" >= "c"."valid_from"
            AND ("f"."at" < "c"."valid_to" OR "c"."valid_to" IS NULL))
    """
    at, version = quote_table(moment), quote(history)
    begins, ends = f"{version}.{quote(VALID_FROM)}", f"{version}.{quote(VALID_TO)}"
    return f"({at} >= {begins} AND ({at} < {ends} OR {ends} IS NULL))"


def histories_of(tests: Iterable[exp.Expr]) -> set[str]:
    """Return the tables of which conditions keep the versions of a moment.

    :param tests: conditions that must all be true, as `condition` writes them or in other words: a
        version has begun, and has not ended.
    """
    from sqlglot import exp

    begun, lasting = set[str](), set[str]()
    for test in tests:
        if isinstance(test, exp.GTE):
            begun |= _tables(test.expression, VALID_FROM)
        elif isinstance(test, exp.LTE):
            begun |= _tables(test.this, VALID_FROM)
        elif not isinstance(test, exp.Between):  # it takes both of two that meet
            lasting |= {c.table for c in test.find_all(exp.Column) if c.name.lower() == VALID_TO}
    return begun & lasting


def _tables(side: exp.Expr, column: str) -> set[str]:
    """Return the table of a column that stands by itself, if it has that name."""
    from sqlglot import exp

    node = side.unnest()
    if isinstance(node, exp.Column) and node.name.lower() == column:
        return {node.table}
    return set()
