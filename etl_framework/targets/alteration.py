"""A change of a table: what it is in words, its statements, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

# Statements that take effect together, or one.
Transaction = tuple[str, ...]
Cost = Literal["at once", "rewrites the rows", "copies the rows", "moves the rows"]


@dataclass(frozen=True)
class Alteration:
    """A change of a table.

    :param what: the change in words, such as `amount: integer becomes bigint`.
    :param waits: whether it waits for `etl apply`, because something could be lost.
    :param alone: whether the database makes it outside of a transaction only.
    """

    what: str
    statements: Transaction
    cost: Cost = "at once"
    waits: bool = False
    alone: bool = False


def joined(alterations: Sequence[Alteration], cost: Cost = "rewrites the rows") -> Alteration:
    """Changes that are made together."""
    return Alteration(
        "; ".join(alteration.what for alteration in alterations),
        tuple(sql for alteration in alterations for sql in alteration.statements),
        cost,
        any(alteration.waits for alteration in alterations),
    )
