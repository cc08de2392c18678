"""A table that `etl apply` is to change, as it is at the moment, and what is in the way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl_framework.columns import MASK
from etl_framework.errors import Diagnostic, RetryableError, StepError, did_you_mean
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.alteration import Alteration, Retyped
from etl_framework.targets.base import Warehouse
from etl_framework.targets.difference import Difference
from etl_framework.targets.tables import Table

EXAMPLES = 3
SHOWN = 40  # characters of an example


@dataclass(frozen=True)
class Wish:
    """A table that is to be changed.

    :param dropped: columns that go, with their values.
    :param hidden: the names, in lower case, of the columns whose values no message shows.
    """

    table: Table
    dropped: tuple[str, ...] = ()
    hidden: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Look:
    """A table that is to be changed, as it is at the moment.

    :param difference: None if there is no such table.
    """

    warehouse: Warehouse
    wish: Wish
    difference: Difference | None

    @property
    def table(self) -> Table:
        """The table as it is to be."""
        return self.wish.table

    @property
    def names(self) -> list[str]:
        """The names of the table's columns."""
        return list(self.difference.here) if self.difference else []

    def __contains__(self, column: str) -> bool:
        """Whether the table has a column of this name, in any capitals."""
        return column.lower() in {name.lower() for name in self.names}

    @property
    def dropped(self) -> list[str]:
        """The columns that go, by the names that they have."""
        wanted = {name.lower() for name in self.wish.dropped}
        return [name for name in self.names if name.lower() in wanted]

    def alterations(self) -> list[Alteration]:
        """What makes the table as it is wanted.

        :raises StepError: it must not be made, or something else would be lost.
        """
        return self.warehouse.alterations(self.table, self.difference, self.dropped)

    def problems(self) -> Iterator[Diagnostic]:
        """Why the table is left as it is."""
        yield from self._wrongly_dropped()
        if self.difference:
            for change in self.difference.foreign:
                message = f"{change.what}, and no value is sure to mean the same"
                hint = f"declare the type that it has, or a new column beside '{change.there}'"
                yield self._problem(message, hint)
            yield from self._misfits(self.difference)
        try:
            self.alterations()
        except RetryableError:
            raise
        except StepError as refused:
            yield from (self._problem(said.message, said.hint) for said in refused.diagnostics)

    def _wrongly_dropped(self) -> Iterator[Diagnostic]:
        if gone := [name for name in self.wish.dropped if name not in self]:
            message = f"the table {self.table.name} has no column '{gone[0]}'"
            yield self._problem(message, did_you_mean(gone[0], self.names))
        known = {*self.difference.left, *self.difference.required} if self.difference else set()
        for name in self.dropped:
            if name not in known:
                message = f"'{name}' is a column of the KPI, and is not dropped"
                yield self._problem(message, "take it out of the KPI first, or out of --drop")
        if readers := self.warehouse.readers(self.table.name, self.dropped) if self.dropped else []:
            message = (
                f"views read {', '.join(self.dropped)} of {self.table.name}: {', '.join(readers)}"
            )
            yield self._problem(message, "let them do without it, or keep the column")

    def _misfits(self, difference: Difference) -> Iterator[Diagnostic]:
        """The columns with values that their new types do not hold."""
        looked_for = dict(misfits(difference))
        if not looked_for:
            return
        table = quote_table(self.table.name)
        counts = ", ".join(
            f"COUNT(CASE WHEN {misfit} THEN 1 END) AS etl_misfit_{number}"
            for number, misfit in enumerate(looked_for.values())
        )
        ((*numbers,),) = self.warehouse.query(f"SELECT {counts} FROM {table}")[1]
        for (change, misfit), number in zip(looked_for.items(), map(int, numbers), strict=True):
            if number:
                examples = f"SELECT DISTINCT {quote(change.there)} FROM {table} WHERE {misfit}"
                values = self.warehouse.query(f"{examples} ORDER BY 1 LIMIT {EXAMPLES}")[1]
                yield self._misfit(change, number, [value for (value,) in values])

    def _misfit(self, change: Retyped, number: int, values: list[object]) -> Diagnostic:
        rows = "1 row has a value" if number == 1 else f"{number:,} rows have values"
        names = {change.there.lower(), change.column.name.lower()}
        hidden = change.column.sensitive or names & self.wish.hidden
        shown = MASK if hidden else ", ".join(map(_shown, values))
        message = (
            f"{self.table.name}.{change.there}: {rows} that {change.column.type} "
            f"does not hold exactly: {shown}"
        )
        hint = f"declare a type that holds them, or correct the rows; it is {change.former.lower()}"
        return self._problem(message, f"{hint} now")

    def _problem(self, message: str, hint: str) -> Diagnostic:
        return Diagnostic(*self.table.place, StepError.code, message, hint)


def misfits(difference: Difference) -> Iterator[tuple[Retyped, str]]:
    """Columns that are converted, each with SQL that is true for a value which is in the way."""
    for change in difference.retyped:
        if change.conversion and (misfit := change.conversion.misfit(quote(change.there))):
            yield change, misfit


def guards(look: Look) -> Iterator[str]:
    """Statements that divide by zero if values are in the way by now."""
    if look.difference and (found := [misfit for _, misfit in misfits(look.difference)]):
        either = " OR ".join(f"({misfit})" for misfit in found)
        yield (
            f"SELECT 1 / CASE WHEN COUNT(CASE WHEN {either} THEN 1 END) > 0 THEN 0 ELSE 1 END "
            f"FROM {quote_table(look.table.name)}"
        )


def _shown(value: object) -> str:
    text = f"'{value}'" if isinstance(value, str) else str(value)
    return text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
