"""How a table differs from what a KPI wants, and the changes that follow from it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from etl_framework.columns import Column
from etl_framework.errors import StepError
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.alteration import Alteration, Cost, Retyped
from etl_framework.targets.columns import name_there

if TYPE_CHECKING:
    from etl_framework.targets.tables import Table, Tables


@dataclass(frozen=True)
class Difference:
    """How a table that exists differs from the one that is wanted.

    :param here: the types of its columns, in order, by the names that they have.
    :param retyped: columns with another type, which holds their values, or may hold them.
    :param foreign: those of them whose values mean nothing in the type that is wanted.
    :param left: columns that nobody wants, and that may be empty.
    :param required: columns that nobody wants, and that need a value in each row.
    """

    table: Table
    here: Mapping[str, str]
    renamed: tuple[tuple[str, str], ...]
    retyped: tuple[Retyped, ...]
    foreign: tuple[Retyped, ...]
    added: tuple[Column, ...]
    left: tuple[str, ...]
    required: tuple[str, ...]

    @classmethod
    def of(cls, tables: Tables, table: Table, here: Mapping[str, str]) -> Difference:
        """Compare a table with what it is to be.

        :param here: the types of its columns, in order.
        """
        written = {name.lower(): name for name in here}
        pairs = [(column, name_there(column, set(written))) for column in table.columns]
        there = [(column, written[name.lower()]) for column, name in pairs if name]
        known = {name for _, name in there}
        retyped = tuple(_retyped(tables, there, here))
        others = [name for name in here if name not in known]
        optional = tables.optional(table.name) if others else set()
        return cls(
            table,
            here,
            tuple((name, column.name) for column, name in there if _is_former(column, name)),
            tuple(change for change in retyped if change.wider or change.conversion),
            tuple(change for change in retyped if not (change.wider or change.conversion)),
            tuple(column for column, name in pairs if not name),
            tuple(name for name in others if name.lower() in optional),
            tuple(name for name in others if name.lower() not in optional),
        )

    @property
    def renamed_here(self) -> dict[str, str]:
        """The types of the columns, in order, by the names that they have once they are renamed."""
        names = dict(self.renamed)
        return {names.get(name, name): type_ for name, type_ in self.here.items()}

    def renames(self) -> list[Alteration]:
        """What gives columns their new names."""
        return [
            self._in_place(
                f"{there} is called {name}", f"RENAME COLUMN {quote(there)} TO {quote(name)}"
            )
            for there, name in self.renamed
        ]

    def retypes(
        self, written: Callable[[Column], str], *, as_called_now: bool = False
    ) -> list[Alteration]:
        """What gives columns other types in place.

        :param written: gives the type of a column in the SQL of the database.
        :param as_called_now: before they are renamed; else behind.
        """
        names = {c: quote(c.there if as_called_now else c.name) for c in self.retyped}
        return [
            self._in_place(
                change.what,
                f"ALTER COLUMN {names[change]} TYPE {written(change.column)}{change.using}",
                "at once" if change.longer else "rewrites the rows",
                waits=not change.wider,
            )
            for change in self.retyped
        ]

    def frees(self, dropped: Collection[str]) -> list[Alteration]:
        """What lets columns be empty that nobody wants, unless they are dropped."""
        return [
            self._in_place(
                f"{name} may be empty", f"ALTER COLUMN {quote(name)} DROP NOT NULL", waits=True
            )
            for name in self.required
            if name not in dropped
        ]

    def drops(self, dropped: Collection[str]) -> list[Alteration]:
        """What drops columns."""
        return [
            self._in_place(
                f"{name} is dropped, with its values", f"DROP COLUMN {quote(name)}", waits=True
            )
            for name in dropped
        ]

    def adds(self, definitions: Callable[[list[Column]], str]) -> list[Alteration]:
        """What adds missing columns.

        :param definitions: writes columns as CREATE TABLE lists them.
        """
        return [
            self._in_place(f"{column.name} is added", f"ADD COLUMN {definitions([column])}")
            for column in self.added
        ]

    def _in_place(
        self, what: str, sql: str, cost: Cost = "at once", *, waits: bool = False
    ) -> Alteration:
        statement = f"ALTER TABLE {quote_table(self.table.name)} {sql}"
        return Alteration(what, (statement,), cost, waits)

    @property
    def refusal(self) -> StepError | None:
        """Why a run leaves the table as it is; None if it has only to add and to widen."""
        narrower = any(change.conversion for change in self.retyped)
        if not (self.foreign or narrower or self.required):
            return None
        apply, name = self.table.apply, self.table.name
        lines = ", ".join(f"{name} {type_}" for name, type_ in self.here.items())
        if self.foreign:
            listed = ", ".join(change.what for change in self.foreign)
            way = f"no value is sure to mean the same ({listed})"
        elif narrower:
            way = f"`{apply}` converts the values, if the KPI's types hold every one"
        else:
            way = f"`{apply}` lets {', '.join(self.required)} be empty in new rows"
        return StepError(
            f"the table {name} has other columns than the KPI: it has {lines}",
            hint=f"{way}; or declare these columns for the KPI, or another `table` for its target",
        )


def _is_former(column: Column, there: str) -> bool:
    return there.lower() != column.name.lower()


def _retyped(
    tables: Tables, there: list[tuple[Column, str]], here: Mapping[str, str]
) -> Iterator[Retyped]:
    for column, name in there:
        if (type_ := here[name]) == tables.type_name(column):
            continue
        former = tables.type_of(type_)
        if former and column.type.holds(former):
            yield Retyped(column, name, type_, wider=True)
        else:
            conversion = tables.conversion(former, column) if former else None
            yield Retyped(column, name, type_, wider=False, conversion=conversion)
