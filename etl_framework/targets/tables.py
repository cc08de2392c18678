"""Create missing tables and add missing columns; other changes to a table are refused."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

from etl_framework.columns import Column
from etl_framework.errors import StepError
from etl_framework.sql.quote import literal, quote, quote_table
from etl_framework.targets.target import Target


@dataclass(frozen=True)
class Table:
    """The definition of a table: its columns, and the target that names it."""

    target: Target
    columns: Sequence[Column]
    description: str = ""


class Tables(ABC):
    """The tables of a database, with the SQL and the type names of this database."""

    @abstractmethod
    def table_columns(self, table: str) -> dict[str, str]:
        """Return the type of every column of a table, in order; empty if there is no such table."""

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

    def changes(self, table: Table) -> tuple[list[str], StepError | None]:
        """Return the statements that create or widen a table, or the reason why they are refused.

        For example: `ALTER TABLE "kpis"."plays" ADD COLUMN "country" varchar(2)`.
        """
        name, columns = table.target.table, self.table_columns(table.target.table)
        if not columns:
            made = self.create(table)
            if table.target.create:
                return made, None
            return [], StepError(
                f"there is no table {name}, and its target has `create: false`",
                hint="; ".join(made),
            )
        here = {column.lower(): type_ for column, type_ in columns.items()}
        wanted = {column.name.lower(): self.type_name(column) for column in table.columns}
        if any(wanted.get(column) != type_ for column, type_ in here.items()):
            lines = [f"{column} {type_}" for column, type_ in columns.items()]
            return [], StepError(
                f"the table {name} has other columns than the KPI: it has {', '.join(lines)}",
                hint=f"change the KPI's columns, or: DROP TABLE {quote_table(name)}; the next run "
                f"makes it as ({self.definitions(table.columns)})",
            )
        missing = [column for column in table.columns if column.name.lower() not in here]
        return [
            f"ALTER TABLE {quote_table(name)} ADD COLUMN {self.definitions([column])}"
            for column in missing
        ], None

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
