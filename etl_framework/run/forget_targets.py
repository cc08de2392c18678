"""Find the rows of a person in targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from etl_framework.columns import Column
from etl_framework.errors import DataMissingError
from etl_framework.plan.compilation import Compilation
from etl_framework.plan.personal import computed_from, passed_on
from etl_framework.project.models import Pipeline
from etl_framework.project.workspace import Workspace
from etl_framework.run.person import ONE_TEXT, Person
from etl_framework.sources.columns import MaskedColumn
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.base import Warehouse


@dataclass(frozen=True)
class Held:
    """What a target holds of a person.

    :param columns: the columns of the table with the person's values, by the source's columns.
    :param rows: how many rows; None if no column tells whose rows they are.
    :param changed: whether values are there in another form, by which they are not found.
    """

    kpi: str
    connection: str
    table: str
    columns: Mapping[str, str]
    rows: int | None
    changed: bool = False

    @property
    def told(self) -> str:
        """What it holds, in words."""
        if self.rows is None and self.changed:
            return "holds the values in another form: run its data intervals again"
        if self.rows is None:
            return "is computed from such rows: run its data intervals again"
        return f"holds {self.rows:,} row{'' if self.rows == 1 else 's'}"


def held(
    workspace: Workspace,
    pipeline: Pipeline,
    compilation: Compilation,
    source: str,
    person: Person,
) -> Iterator[Held]:
    """Yield for each target that is computed from a source what it holds of a person.

    :raises RetryableError: a warehouse does not answer.
    """
    shown = {name: passed_on(pipeline, compilation, source, name) for name in person.staged}
    for name in computed_from(compilation, source):
        if not (kpi := pipeline.kpis.get(name)):
            continue
        columns: dict[str, str] = {}
        changed = False
        for of, fields in shown.items():
            for column in kpi.columns:
                unchanged = fields.get((name, column.name.lower()))
                # An integer 7 in a decimal(18,2) is 7.00.
                unchanged = unchanged and _same_text(person.columns[of], column)
                changed = changed or unchanged is False
                if unchanged:
                    columns.setdefault(of, column.name)
        known = kpi.target.connection, kpi.target.table
        if columns.keys() != person.staged.keys():
            yield Held(name, *known, columns, None, changed)
            continue
        try:
            with workspace.warehouse(known[0], read_only=True) as warehouse:
                yield Held(name, *known, columns, _count(warehouse, known[1], columns, person))
        except DataMissingError:
            yield Held(name, *known, columns, 0)


def _same_text(of: MaskedColumn, column: Column) -> bool:
    return ONE_TEXT[of.staged.type.name] == ONE_TEXT.get(column.type.name)


def _count(warehouse: Warehouse, table: str, columns: Mapping[str, str], person: Person) -> int:
    if not warehouse.table_columns(table):
        return 0
    condition, values = _condition(columns, person)
    return warehouse.number(f"SELECT COUNT(*) FROM {quote_table(table)} WHERE {condition}", values)


def _condition(columns: Mapping[str, str], person: Person) -> tuple[str, tuple[str, ...]]:
    # CAST("email" AS varchar(65535)) = ?
    same = (f"CAST({quote(column)} AS varchar(65535)) = ?" for column in columns.values())
    return " AND ".join(same), tuple(person.staged[of] for of in columns)


def delete_held(workspace: Workspace, targets: list[Held], person: Person) -> int:
    """Delete the rows of a person from targets, those of one warehouse in one transaction.

    :returns: how many rows the targets had.
    :raises RetryableError: a warehouse does not answer.
    """
    by_connection: dict[str, list[Held]] = {}
    for target in targets:
        if target.rows:
            by_connection.setdefault(target.connection, []).append(target)
    for connection, some in sorted(by_connection.items()):
        statements = []
        for target in some:
            condition, values = _condition(target.columns, person)
            sql = f"DELETE FROM {quote_table(target.table)} WHERE {condition}"
            statements.append((sql, values))
        with workspace.warehouse(connection) as warehouse:
            warehouse.together(statements)
    return sum(target.rows or 0 for target in targets)
