"""What a query of `etl sql` reads beside relations: published tables, and the records of runs."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from etl_framework.columns import Column
from etl_framework.errors import ConfigError, DataMissingError, did_you_mean
from etl_framework.project.models import Kpi
from etl_framework.project.project import Project
from etl_framework.run.copies import check_rows, run_row
from etl_framework.run.history import read_record, stored
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.history import CHECK_COLUMNS, RUN_COLUMNS, Row
from etl_framework.targets.tables import Table
from etl_framework.workbench.inputs import NOW, Inputs

if TYPE_CHECKING:
    import pyarrow as pa

# `target.kpis_genre` is the table as it was published; `kpis_genre` what its SQL gives.
TARGET = "target"
# `history.runs` has what `etl_runs` has in the warehouse, from the records themselves.
HISTORY = "history"


class Readable(ABC):
    """A table with its columns, from which rows can be read."""

    @property
    @abstractmethod
    def columns(self) -> Sequence[Column]:
        """The columns, in order."""

    @abstractmethod
    def opened(
        self, inputs: Inputs, schema: pa.Schema
    ) -> AbstractContextManager[Iterator[pa.RecordBatch]]:
        """Open the table, and give its rows, a part at a time.

        :raises EtlError: the table is not there, or cannot be read.
        """

    def copy(self, inputs: Inputs, name: str) -> None:
        """Copy the rows into a table of the session.

        :raises EtlError: the table is not there, or cannot be read.
        """
        import pyarrow as pa

        schema = pa.schema([(column.name, column.type.arrow()) for column in self.columns])
        with self.opened(inputs, schema) as batches:
            casted = (batch.cast(schema) for batch in batches)
            inputs.session.register("etl_read", pa.RecordBatchReader.from_batches(schema, casted))
            made = f"{quote(NOW)}.{quote(name)}"
            inputs.session.execute(f"CREATE TABLE {made} AS SELECT * FROM etl_read")
            inputs.session.unregister("etl_read")


def readable(project: Project, schema: str, name: str) -> tuple[str, Readable] | None:
    """The table that a query names by schema and name, and its own name; None for other schemas.

    :raises ConfigError: there is no such table.
    """
    if schema == TARGET:
        relation = project.find(name, "kpi")
        if not isinstance(relation.block, Kpi):
            raise ConfigError(f"'{relation.name}' is no KPI")
        return relation.name, PublishedTable(relation.block)
    if schema == HISTORY:
        if name not in HistoryTable.KINDS:
            hint = did_you_mean(name, HistoryTable.KINDS)
            raise ConfigError(f"the history has no table '{name}'", hint=hint)
        return name, HistoryTable(name)
    return None


@dataclass(frozen=True)
class PublishedTable(Readable):
    """The table of a KPI's target, as it was published."""

    kpi: Kpi

    @property
    def columns(self) -> Sequence[Column]:
        """Those of the KPI, and those of its strategy."""
        return Table.of(self.kpi.target, self.kpi.columns).columns

    @contextmanager
    def opened(self, inputs: Inputs, schema: pa.Schema) -> Iterator[Iterator[pa.RecordBatch]]:
        """Ask the warehouse for all rows; a column that the next run adds has no value yet."""
        workspace = inputs.project.workspace(inputs.environment)
        target = self.kpi.target
        with workspace.warehouse(target.connection, read_only=True) as warehouse:
            here = {name.lower() for name in warehouse.table_columns(target.table)}
            if not here:
                message = f"the table '{target.table}' has not been made yet"
                raise DataMissingError(message, hint="etl run")
            listed = ", ".join(
                quote(column.name)
                if column.name.lower() in here
                else f"CAST(NULL AS {warehouse.type_written(column)}) AS {quote(column.name)}"
                for column in self.columns
            )
            sql = f"SELECT {listed} FROM {quote_table(target.table)}"
            yield warehouse.batches(sql, (), schema, workspace.staging_prefix())


@dataclass(frozen=True)
class HistoryTable(Readable):
    """What the records of all pipelines say.

    :param kind: `runs`, or `checks` for the results of their checks.
    """

    kind: str

    KINDS: ClassVar = {"runs": RUN_COLUMNS, "checks": CHECK_COLUMNS}

    @property
    def columns(self) -> Sequence[Column]:
        """Those of `etl_runs` and `etl_checks`."""
        return self.KINDS[self.kind]

    @contextmanager
    def opened(self, inputs: Inputs, schema: pa.Schema) -> Iterator[Iterator[pa.RecordBatch]]:
        """Read every record of the staging."""
        import pyarrow as pa

        rows = list(self._rows(inputs))
        values = [list(column) for column in zip(*rows, strict=True)] or [[] for _ in schema]
        arrays = [
            pa.array(column, field.type) for column, field in zip(values, schema, strict=True)
        ]
        yield iter([pa.RecordBatch.from_arrays(arrays, schema=schema)])

    def _rows(self, inputs: Inputs) -> Iterator[Row]:
        staging = inputs.project.workspace(inputs.environment).staging
        for model in inputs.project.models:
            for name in stored(staging, model.name):
                if record := read_record(staging, model.name, name):
                    yield from (
                        [run_row(name, record)] if self.kind == "runs" else check_rows(name, record)
                    )
