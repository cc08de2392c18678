"""Create missing tables, and change those that differ from what their KPIs want."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import ClassVar

from etl_framework.columns import Column, ColumnType
from etl_framework.errors import RetryableError, StepError
from etl_framework.sql.quote import literal, quote, quote_table
from etl_framework.targets.alteration import Alteration, Transaction
from etl_framework.targets.conversion import Conversion
from etl_framework.targets.difference import Difference
from etl_framework.targets.target import Target

# A path, a line and a column.
Place = tuple[str, int, int]


@dataclass(frozen=True)
class Table:
    """The definition of a table: its columns, and the target that names it.

    :param place: where a pipeline's file declares its KPI; nowhere for tables of ours.
    :param apply: the command that changes it where a run refuses to.
    """

    target: Target
    columns: Sequence[Column]
    description: str = ""
    place: Place = ("", 0, 0)
    apply: str = "etl apply"

    @classmethod
    def of(
        cls,
        target: Target,
        columns: Sequence[Column],
        description: str = "",
        place: Place = ("", 0, 0),
    ) -> Table:
        """The table of a KPI: its columns, and those that the strategy of its target adds."""
        own = target.loads_by.own_columns(target)
        return cls(target, (*columns, *own), description, place)

    @property
    def name(self) -> str:
        """The name of the table, with its schema if it has one."""
        return self.target.table


class Tables(ABC):
    """The tables of a database, with the SQL and the type names of this database."""

    # The function that measures a text as the lengths of types are counted.
    length: ClassVar[str] = "LENGTH"

    @abstractmethod
    def table_columns(self, table: str) -> dict[str, str]:
        """Return the type of every column of a table, in order; empty if there is no such table."""

    @abstractmethod
    def optional(self, table: str) -> set[str]:
        """Return the columns of a table that may be NULL or have a default, in lower case."""

    @classmethod
    @abstractmethod
    def type_of(cls, name: str) -> ColumnType | None:
        """Return the type that the catalogue of this database gives a name, if we have it."""

    @abstractmethod
    def readers(self, table: str, columns: Collection[str]) -> list[str]:
        """Return the views that read columns of a table, and would not work without them."""

    @classmethod
    def conversion(cls, former: ColumnType, column: Column) -> Conversion | None:
        """Return how values of a type become those of a column; None if they mean nothing there."""
        return Conversion.of(former, column.type, cls.type_written(column), cls.length)

    def alter(self, difference: Difference, dropped: Collection[str] = ()) -> list[Alteration]:
        """Return what gives columns other types, lets others be empty, and drops some.

        :raises StepError: that would lose something else.
        """
        return [
            *difference.retypes(self.type_written),
            *difference.frees(dropped),
            *difference.drops(dropped),
        ]

    def arrange(self, table: Table) -> list[Alteration]:
        """Return what gives a table that exists the layout which its target asks for."""
        return []

    @classmethod
    @abstractmethod
    def type_name(cls, column: Column) -> str:
        """Return the name of the column's type in the catalogue of this database."""

    @classmethod
    def type_written(cls, column: Column) -> str:
        """Return the column's type for CREATE TABLE, which may be shorter."""
        return cls.type_name(column)

    @classmethod
    def layout(cls, target: Target) -> str:
        """Return what follows the columns in CREATE TABLE, such as ` DISTSTYLE EVEN`."""
        return ""

    @classmethod
    def text(cls, value: str) -> str:
        """Return a text as an SQL literal of this database."""
        return literal(value)

    def changes(self, table: Table) -> tuple[list[Transaction], StepError | None]:
        """Return what a run creates, renames, widens and arranges, or why that is refused.

        For example: `ALTER TABLE "kpis"."plays" ADD COLUMN "country" varchar(2)`.
        """
        try:
            return [made.statements for made in self.needed(table)], None
        except RetryableError:
            raise
        except StepError as refused:
            return [], refused

    def needed(self, table: Table) -> list[Alteration]:
        """Return what a run creates, renames, widens and arranges, in order.

        :raises StepError: the table is left as it is.
        """
        difference = self.difference(table)
        if difference and difference.refusal:
            raise difference.refusal
        return self.alterations(table, difference)

    def difference(self, table: Table) -> Difference | None:
        """Return how a table differs from the one that is wanted; None if there is none."""
        here = self.table_columns(table.name)
        return Difference.of(self, table, here) if here else None

    def renames(self, table: Table) -> list[str]:
        """Return the statements that give columns of a table their new names."""
        difference = self.difference(table)
        renamed = difference.renames() if difference else []
        return [sql for change in renamed for sql in change.statements]

    def alterations(
        self, table: Table, difference: Difference | None, dropped: Collection[str] = ()
    ) -> list[Alteration]:
        """Return all that makes a table as it is wanted, also what waits for `etl apply`.

        :param dropped: columns that go, by the names that they have.
        :raises StepError: the table must not be made, or something else would be lost.
        """
        if difference is None:
            return self.creation(table)
        altered = self.alter(difference, dropped)
        return [
            *(change for change in altered if change.when == "before"),
            *difference.renames(),
            *(change for change in altered if change.when == "with"),
            *difference.adds(self.definitions),
            *self.arrange(table),
        ]

    @classmethod
    def creation(cls, table: Table) -> list[Alteration]:
        """Return what makes a table that does not exist.

        :raises StepError: its target says that no run makes it.
        """
        made = cls.create(table)
        if table.target.create:
            return [Alteration(f"{table.name} is made", (sql,), when="before") for sql in made]
        raise StepError(
            f"there is no table {table.name}, and its target has `create: false`",
            hint="; ".join(made),
        )

    @classmethod
    def create(cls, table: Table) -> list[str]:
        """Return the statements that create a table, its schema (if it has one) and its comments.

        For example:

            CREATE SCHEMA IF NOT EXISTS "kpis"
            CREATE TABLE IF NOT EXISTS "kpis"."plays" ("day" date, "plays" bigint)
            COMMENT ON TABLE "kpis"."plays" IS 'Plays per day'
        """
        schema, _, _ = table.name.rpartition(".")
        name = quote_table(table.name)
        columns = cls.definitions(table.columns, ",\n    ")
        made = [f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"] if schema else []
        layout = cls.layout(table.target)
        made.append(f"CREATE TABLE IF NOT EXISTS {name} (\n    {columns}\n){layout}")
        if table.description:
            made.append(f"COMMENT ON TABLE {name} IS {cls.text(table.description)}")
        return made + [
            f"COMMENT ON COLUMN {name}.{quote(column.name)} IS {cls.text(column.description)}"
            for column in table.columns
            if column.description
        ]

    @classmethod
    def definitions(cls, columns: Sequence[Column], between: str = ", ") -> str:
        """Return the columns as CREATE TABLE lists them: `"day" date, "plays" bigint`."""
        return between.join(
            f"{quote(column.name)} {cls.type_written(column)}" for column in columns
        )
