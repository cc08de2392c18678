"""The statements that create a pipeline's tables, and the changes that existing ones need."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from etl_framework.errors import ConfigError, DataMissingError, Diagnostic
from etl_framework.plan.plan import Plan
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.sources.postgres.source import PostgresSource
from etl_framework.sql.quote import literal, names, quote, quote_table
from etl_framework.targets.base import ledger_table, warehouse_for
from etl_framework.targets.tables import Table


@dataclass(frozen=True)
class Change:
    """What a run would do to a table before it loads rows: run statements, refuse, or nothing."""

    table: str
    statements: tuple[str, ...]
    refused: tuple[Diagnostic, ...]


def source_tables(pipeline: Pipeline) -> Iterator[str]:
    """The statements that create the tables that sources read, in PostgreSQL's dialect."""
    for source in pipeline.sources.values():
        if not isinstance(source, PostgresSource):
            continue
        table = quote_table(source.table)
        lines = [
            f"{quote(column.name)} {column.type}" + (" NOT NULL" if column.required else "")
            for column in source.columns
        ]
        if keys := [column.name for column in source.columns if column.primary_key]:
            lines.append(f"PRIMARY KEY ({names(keys)})")
        listed = ",\n    ".join(lines)
        yield f"CREATE TABLE {table} (\n    {listed}\n)"
        if source.description:
            yield f"COMMENT ON TABLE {table} IS {literal(source.description)}"
        for column in source.columns:
            if column.description:
                place = f"{table}.{quote(column.name)}"
                yield f"COMMENT ON COLUMN {place} IS {literal(column.description)}"


def target_tables(pipeline: Pipeline, environment: Environment) -> Iterator[str]:
    """The statements that create the targets and the ledger, in their database's dialect.

    :raises ConfigError: a target's connection cannot hold tables.
    """
    for table in _tables(pipeline):
        connection = environment.connections[table.target.connection]
        kind = warehouse_for(connection)
        if kind is None:
            raise ConfigError(f"'{table.target.connection}' cannot hold targets")
        yield from kind.create(table)


def changes(plan: Plan) -> Iterator[Change]:
    """What a run would change in the tables of the warehouse before it loads them.

    :raises RetryableError: the warehouse does not answer.
    """
    tables = list(_tables(plan.pipeline))
    for name in dict.fromkeys(table.target.connection for table in tables):
        connection = plan.environment.connections[name]
        here = [table for table in tables if table.target.connection == name]
        try:
            opened = plan.workspace.warehouse(name, read_only=True)
        except DataMissingError:  # a database in a file that does not exist yet
            kind = warehouse_for(connection)
            yield from (
                Change(table.target.table, tuple(kind.create(table)), ()) for table in here if kind
            )
            continue
        with opened as warehouse:
            for table in here:
                statements, refused = warehouse.changes(table)
                problems = refused.diagnostics if refused else ()
                yield Change(table.target.table, tuple(statements), tuple(problems))


def _tables(pipeline: Pipeline) -> Iterator[Table]:
    """The targets, and after them the ledger of every connection."""
    for kpi in pipeline.kpis.values():
        yield Table(kpi.target, kpi.columns, kpi.description)
    for name in dict.fromkeys(kpi.target.connection for kpi in pipeline.kpis.values()):
        yield ledger_table(name)
