"""The statements that create a pipeline's tables, and the changes that existing ones need."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, replace
from functools import partial

from etl_framework.errors import (
    ConfigError,
    DataMissingError,
    Diagnostic,
    RetryableError,
    StepError,
)
from etl_framework.plan.plan import Plan
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.sources.postgres.source import PostgresSource
from etl_framework.sql.quote import literal, names, quote, quote_table
from etl_framework.targets.alteration import Alteration
from etl_framework.targets.base import Warehouse
from etl_framework.targets.difference import Difference
from etl_framework.targets.files import files_table
from etl_framework.targets.history import history_tables
from etl_framework.targets.publication import ledger_table
from etl_framework.targets.tables import Table
from etl_framework.targets.warehouses import warehouse_for


@dataclass(frozen=True)
class Change:
    """What a table needs before a run can load rows into it.

    :param rows: how many it has, if it has to be changed.
    :param alterations: all changes, with their statements; some may wait for `etl apply`.
    :param left: columns that no KPI declares, and that stay as they are.
    :param refused: why a run makes none of the changes.
    """

    table: str
    rows: int | None = None
    alterations: tuple[Alteration, ...] = ()
    left: tuple[str, ...] = ()
    refused: tuple[Diagnostic, ...] = ()


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
    """The statements that create the targets, the ledger and what runs lock, in their dialect.

    :raises ConfigError: a target's connection cannot hold tables.
    """
    for name, targets in _by_connection(pipeline).items():
        kind = warehouse_for(environment.connections[name])
        if kind is None:
            raise ConfigError(f"'{name}' cannot hold targets")
        for table in [*targets, *_ours(kind, pipeline, environment, targets)]:
            yield from kind.create(table)


def changes(plan: Plan) -> Iterator[Change]:
    """What the tables of the warehouses need before a run can load rows into them.

    :raises RetryableError: a warehouse does not answer.
    """
    for name, tables in wanted_tables(plan, plan.pipeline.kpis).items():
        targets = list(tables.values())
        kind = warehouse_for(plan.environment.connections[name])
        ours = _ours(kind, plan.pipeline, plan.environment, targets) if kind else ()
        here = [*targets, *ours]
        try:
            opened = plan.workspace.warehouse(name, read_only=True)
        except DataMissingError:  # a database in a file that does not exist yet
            yield from (
                _change(table, None, partial(kind.creation, table)) for table in here if kind
            )
            continue
        with opened as warehouse:
            for table in here:
                difference = warehouse.difference(table)
                alterations = partial(warehouse.alterations, table, difference)
                change = _change(table, difference, alterations)
                if difference and (change.alterations or change.refused):
                    count = f"SELECT COUNT(*) FROM {quote_table(table.name)}"
                    change = replace(change, rows=warehouse.number(count))
                yield change


def _change(
    table: Table, difference: Difference | None, alterations: Callable[[], list[Alteration]]
) -> Change:
    made, refused = list[Alteration](), difference.refusal if difference else None
    try:
        made = alterations()
    except RetryableError:
        raise
    except StepError as error:
        refused = refused or error
    return Change(
        table.name,
        None,
        tuple(made),
        difference.left if difference else (),
        refused.diagnostics if refused else (),
    )


def wanted_tables(plan: Plan, kpis: Collection[str]) -> dict[str, dict[str, Table]]:
    """The tables that KPIs of a plan want, by connection and KPI."""
    command = f"etl apply {plan.pipeline.name} --env {plan.environment_name}"
    tables: dict[str, dict[str, Table]] = {}
    for name in kpis:
        kpi, place = plan.pipeline.kpis[name], plan.step(f"kpi.{name}").place
        table = Table.of(kpi.target, kpi.columns, kpi.description, place)
        tables.setdefault(kpi.target.connection, {})[name] = replace(table, apply=command)
    return tables


def _by_connection(pipeline: Pipeline) -> dict[str, list[Table]]:
    """The targets that each connection holds."""
    found: dict[str, list[Table]] = {}
    for kpi in pipeline.kpis.values():
        table = Table.of(kpi.target, kpi.columns, kpi.description)
        found.setdefault(kpi.target.connection, []).append(table)
    return found


def _ours(
    kind: type[Warehouse], pipeline: Pipeline, environment: Environment, targets: list[Table]
) -> list[Table]:
    """The ledger of a connection with its list of files, its history, and what runs lock."""
    connection = targets[0].target.connection
    once = any(source.reads_once() for source in pipeline.sources.values())
    ledgers = [ledger_table(connection), *([files_table(connection)] if once else [])]
    told = history_tables(connection) if environment.history_tables else []
    locked = [table.target for table in [*targets, *told[:1]]]
    return [*ledgers, *told, *kind.lock_tables(locked)]
