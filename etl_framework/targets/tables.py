"""Create missing tables, add missing columns and widen others; other changes are refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from etl_framework.columns import Column, ColumnType
from etl_framework.errors import RetryableError, StepError
from etl_framework.sql.quote import literal, quote, quote_table
from etl_framework.targets.columns import name_there
from etl_framework.targets.target import Target

# A path, a line and a column.
Place = tuple[str, int, int]
# Statements that take effect together, or one.
Transaction = tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """The definition of a table: its columns, and the target that names it.

    :param place: where a pipeline's file declares its KPI; nowhere for tables of ours.
    """

    target: Target
    columns: Sequence[Column]
    description: str = ""
    place: Place = ("", 0, 0)

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


class Tables(ABC):
    """The tables of a database, with the SQL and the type names of this database."""

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

    def widen(
        self, table: Table, columns: Sequence[Column], here: Mapping[str, str]
    ) -> list[Transaction]:
        """Return what gives columns types that hold all of their values.

        :param here: the types of all columns of the table, in order, by the names they have then.
        :raises StepError: that would lose something else.
        """
        return [(self.alter_type(table, column),) for column in columns]

    @classmethod
    def alter_type(cls, table: Table, column: Column) -> str:
        """Return the statement that changes a column's type in place."""
        return (
            f"ALTER TABLE {quote_table(table.target.table)} ALTER COLUMN {quote(column.name)} "
            f"TYPE {cls.type_written(column)}"
        )

    def arrange(self, table: Table) -> list[Transaction]:
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
        """Return what creates, renames, widens and arranges, or the reason why that is refused.

        For example: `ALTER TABLE "kpis"."plays" ADD COLUMN "country" varchar(2)`.
        """
        name, columns = table.target.table, self.table_columns(table.target.table)
        if not columns:
            made = self.create(table)
            if table.target.create:
                return [(sql,) for sql in made], None
            return [], StepError(
                f"there is no table {name}, and its target has `create: false`",
                hint="; ".join(made),
            )
        here = {column.lower(): type_ for column, type_ in columns.items()}
        renamed = list(self._renamed(table, columns, here))
        all_here = dict(here)
        wanted = {column.name.lower(): self.type_name(column) for column in table.columns}
        if here.keys() - wanted.keys():  # a column of somebody else, such as `loaded_at`, may be
            left_out = self.optional(name) - wanted.keys()
            here = {column: type_ for column, type_ in here.items() if column not in left_out}
        wider = self._wider(table, here)
        known = {column.name.lower() for column in wider}
        if any(
            wanted.get(column) != type_ for column, type_ in here.items() if column not in known
        ):
            lines = [f"{column} {type_}" for column, type_ in columns.items()]
            return [], StepError(
                f"the table {name} has other columns than the KPI: it has {', '.join(lines)}",
                hint="declare these columns for the KPI, or another `table` for its target; a "
                f"table of its own would be ({self.definitions(table.columns)})",
            )
        missing = [column for column in table.columns if column.name.lower() not in here]
        add = f"ALTER TABLE {quote_table(name)} ADD COLUMN"
        try:
            widened = self.widen(table, wider, all_here) if wider else []
        except RetryableError:
            raise
        except StepError as refused:
            return [], refused
        return [
            *((sql,) for sql in renamed),
            *widened,
            *((f"{add} {self.definitions([column])}",) for column in missing),
            *self.arrange(table),
        ], None

    @staticmethod
    def _renamed(table: Table, columns: Mapping[str, str], here: dict[str, str]) -> Iterator[str]:
        """Yield the statements that rename columns, and change their names in `here`, in place."""
        written = {column.lower(): column for column in columns}
        for column in table.columns:
            there = name_there(column, set(here))
            if there and there != column.name:
                names = {there.lower(): column.name.lower()}
                kept = {names.get(name, name): type_ for name, type_ in here.items()}
                here.clear()
                here.update(kept)
                yield (
                    f"ALTER TABLE {quote_table(table.target.table)} RENAME COLUMN "
                    f"{quote(written[there.lower()])} TO {quote(column.name)}"
                )

    def _wider(self, table: Table, here: Mapping[str, str]) -> list[Column]:
        """The columns whose types hold all values of the types that they have here."""
        return [
            column
            for column in table.columns
            if (type_ := here.get(column.name.lower())) and type_ != self.type_name(column)
            if (now := self.type_of(type_)) and column.type.holds(now)
        ]

    @classmethod
    def create(cls, table: Table) -> list[str]:
        """Return the statements that create a table, its schema (if it has one) and its comments.

        For example:

            CREATE SCHEMA IF NOT EXISTS "kpis"
            CREATE TABLE IF NOT EXISTS "kpis"."plays" ("day" date, "plays" bigint)
            COMMENT ON TABLE "kpis"."plays" IS 'Plays per day'
        """
        schema, _, _ = table.target.table.rpartition(".")
        name = quote_table(table.target.table)
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
