"""Tables as they should be: made when they are missing, widened, and otherwise left alone."""

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
    """A table as it should be."""

    target: Target
    columns: Sequence[Column]
    description: str = ""


class Tables(ABC):
    """The tables of a database, in its own words."""

    @abstractmethod
    def table_columns(self, table: str) -> dict[str, str]:
        """Name and type of each column of a table in order; empty when there is no such table."""

    @classmethod
    @abstractmethod
    def type_name(cls, column: Column) -> str:
        """What this database's catalogue calls the column's type."""

    @classmethod
    def type_written(cls, column: Column) -> str:
        """What CREATE TABLE calls it, where that is something shorter."""
        return cls.type_name(column)

    @classmethod
    def layout(cls, target: Target) -> str:
        """What stands behind the columns of a new table."""
        return ""

    @classmethod
    def text(cls, value: str) -> str:
        """A text as this database reads it."""
        return literal(value)

    def changes(self, table: Table) -> tuple[list[str], StepError | None]:
        """What has to be done so that the table is as wanted; or why that is refused."""
        name, found = table.target.table, self.table_columns(table.target.table)
        if not found:
            made = self.create(table)
            if table.target.create:
                return made, None
            return [], StepError(
                f"there is no table {name}, and its target has `create: false`",
                hint="; ".join(made),
            )
        here = {column.lower(): type_ for column, type_ in found.items()}
        wanted = {column.name.lower(): self.type_name(column) for column in table.columns}
        if any(wanted.get(column) != type_ for column, type_ in here.items()):
            lines = [f"{column} {type_}" for column, type_ in found.items()]
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
        """The statements that make a table, its schema if it names one, and its comments."""
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
        """Columns as CREATE TABLE lists them."""
        return between.join(
            f"{quote(column.name)} {cls.type_written(column)}" for column in columns
        )
