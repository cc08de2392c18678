"""A change of a table: what it is in words, its statements, and what it costs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from etl_framework.columns import Column
from etl_framework.sql.quote import quote
from etl_framework.targets.conversion import Conversion

# Statements that take effect together, or one.
Transaction = tuple[str, ...]
Cost = Literal["at once", "rewrites the rows", "copies the rows", "moves the rows"]
When = Literal["before", "with", "behind"]


@dataclass(frozen=True)
class Alteration:
    """A change of a table.

    :param what: the change in words, such as `amount: integer becomes bigint`.
    :param waits: whether it waits for `etl apply`, because something could be lost.
    :param when: how a run makes it: in the transaction that brings its rows, or before or behind,
        where the database makes it outside of a transaction only, or nothing is lost by it.
    """

    what: str
    statements: Transaction
    cost: Cost = "at once"
    waits: bool = False
    when: When = "with"


def joined(alterations: Sequence[Alteration], cost: Cost = "rewrites the rows") -> Alteration:
    """Changes that are made together."""
    return Alteration(
        "; ".join(alteration.what for alteration in alterations),
        tuple(sql for alteration in alterations for sql in alteration.statements),
        cost,
        any(alteration.waits for alteration in alterations),
    )


@dataclass(frozen=True)
class Retyped:
    """A column that gets another type.

    :param there: the name that it has in the table now.
    :param former: its type now, as the catalogue calls it.
    :param wider: whether the new type holds all values as they are.
    :param conversion: else how they are converted; None if they mean nothing in the new type.
    """

    column: Column
    there: str
    former: str
    wider: bool
    conversion: Conversion | None = None

    @property
    def what(self) -> str:
        """The change in words."""
        return f"{self.column.name}: {self.former.lower()} becomes {self.column.type}"

    @property
    def longer(self) -> bool:
        """Whether texts may be longer than before, which changes none of them."""
        return self.wider and self.column.type.name == "varchar"

    @property
    def using(self) -> str:
        """What follows the type in ALTER TABLE, such as ` USING CAST("day" AS DATE)`."""
        return f" USING {self.conversion.value(quote(self.name))}" if self.conversion else ""

    @property
    def name(self) -> str:
        """The name that the column gets; one that differs in capitals alone stays."""
        same = self.there.lower() == self.column.name.lower()
        return self.there if same else self.column.name
