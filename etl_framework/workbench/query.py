"""`etl sql`: a query over sources, transforms and KPIs, and over the tables of targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.columns import Column
from etl_framework.errors import ConfigError, DataMissingError, Diagnostic, PlanError
from etl_framework.interval import DataInterval
from etl_framework.plan.compilation import Shape
from etl_framework.plan.compile import compile_query
from etl_framework.plan.draft import Draft, parsed
from etl_framework.plan.plan import Plan
from etl_framework.project.models import Kpi, Pipeline
from etl_framework.project.project import Project
from etl_framework.sql.quote import quote, quote_table
from etl_framework.targets.tables import Table
from etl_framework.workbench.inputs import NOW, Inputs

# What diagnostics call the query.
SHOWN = "query"
# `target.kpis_genre` is the table as it was published; `kpis_genre` what its SQL gives.
TARGET = "target"


@dataclass(frozen=True)
class Query:
    """A query that can be parsed, and the KPIs whose tables it reads, by the name it has for them.

    :param relations: the sources, transforms and KPIs that it reads.
    """

    draft: Draft
    relations: tuple[str, ...]
    targets: Mapping[str, Kpi]

    @classmethod
    def of(cls, project: Project, sql: str, interval: DataInterval) -> Query:
        """Read a query.

        :raises PlanError: it is none.
        :raises ConfigError: a target that it names does not exist.
        """
        draft = parsed(SHOWN, sql, interval, {})
        if not isinstance(draft, Draft):
            raise PlanError(draft)
        targets = dict(_targets(project, draft))
        draft = Draft.of(draft.rendered, draft.tree)
        read = dict.fromkeys(reference.name for reference in draft.references)
        return cls(draft, tuple(name for name in read if name not in targets), targets)


def _targets(project: Project, draft: Draft) -> Iterator[tuple[str, Kpi]]:
    """The KPIs whose tables are read; the query names each of them by one word then."""
    from sqlglot import exp

    for table in draft.tree.find_all(exp.Table):
        if table.db.lower() != TARGET:
            continue
        kpi = project.find(table.name.lower(), "kpi")
        name = f"{TARGET}.{kpi.name}"
        word = exp.to_identifier(name, quoted=True)
        word.meta.update(table.this.meta)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(kpi.name)))
        table.set("this", word)
        table.set("db", None)
        if not isinstance(kpi.block, Kpi):
            raise ConfigError(f"'{kpi.name}' is no KPI")
        yield name, kpi.block


def pipeline_of(project: Project, sql: str, name: str | None) -> Pipeline:
    """The pipeline whose relations a query reads.

    :param name: the pipeline, if it was said.
    :raises ConfigError: no pipeline or several have all of them.
    """
    known = {file.model.name: file for file in project.pipelines if file.model}
    if name or not known:
        known = {name or "": project.pipeline(name or "")}
    if len(known) > 1:
        interval = next(file.model for file in known.values() if file.model).some_interval(None)
        read = Query.of(project, sql, interval).relations
        having = {n: file for n, file in known.items() if set(read) <= set(file.relations)}
        listed = ", ".join(map(repr, read))
        if not having:
            hint = "a query reads relations of one pipeline, and target.NAME of any"
            raise ConfigError(f"no pipeline has {listed}", hint=hint)
        if len(having) > 1 and read:
            message = f"{' and '.join(having)} have {listed}"
            raise ConfigError(message, hint="say whose you mean: --in PIPELINE")
        known = having
    (file, *_) = known.values()
    if file.model is None:
        raise ConfigError(f"the file of '{name}' has errors", hint="etl lint")
    return file.model


def answer(
    inputs: Inputs, plan: Plan, query: Query, limit: int
) -> tuple[list[str], Sequence[Sequence[Any]]]:
    """The columns and rows of a query.

    :param limit: the highest number of rows; 0 for all.
    :raises EtlError: the query is wrong, or what it reads cannot be read.
    """
    import duckdb

    shapes: dict[str, Shape] = {
        name: tuple((column.name, column.type.duckdb) for column in _columns(kpi))
        for name, kpi in query.targets.items()
    }
    pipeline_file = inputs.project.pipeline(plan.pipeline.name)
    compiled = compile_query(plan.root, pipeline_file, plan.interval, query.draft, shapes)
    sandbox = inputs.sandbox(plan)
    for name in compiled.inputs:
        if name not in query.targets:
            sandbox.make(name)
    for name, kpi in query.targets.items():
        _read(inputs, name, kpi)
    at_most = f" LIMIT {limit}" if limit else ""
    inputs.session.execute(f"SET schema = {quote(NOW)}")
    try:
        rows = inputs.session.execute(f"SELECT * FROM ({compiled.sql}){at_most}")
        return [column[0] for column in rows.description or ()], rows.fetchall()
    except duckdb.Error as error:
        text = str(error).split("\n")[0].rpartition("etl: ")[2]
        raise PlanError([Diagnostic(SHOWN, 1, 1, "E415", text)]) from error


def _columns(kpi: Kpi) -> Sequence[Column]:
    return Table.of(kpi.target, kpi.columns).columns


def _read(inputs: Inputs, name: str, kpi: Kpi) -> None:
    """Copy the table of a target into the session."""
    import pyarrow as pa

    workspace, table = inputs.project.workspace(inputs.environment), kpi.target.table
    columns = _columns(kpi)
    schema = pa.schema([(column.name, column.type.arrow()) for column in columns])
    with workspace.warehouse(kpi.target.connection, read_only=True) as warehouse:
        here = {name.lower() for name in warehouse.table_columns(table)}
        if not here:
            raise DataMissingError(f"the table '{table}' has not been made yet", hint="etl run")
        # A column that the next run adds has no value yet.
        listed = ", ".join(
            quote(column.name)
            if column.name.lower() in here
            else f"CAST(NULL AS {warehouse.type_written(column)}) AS {quote(column.name)}"
            for column in columns
        )
        sql = f"SELECT {listed} FROM {quote_table(table)}"
        batches = warehouse.batches(sql, (), schema, workspace.staging_prefix())
        read = pa.RecordBatchReader.from_batches(schema, (batch.cast(schema) for batch in batches))
        inputs.session.register("etl_read", read)
        inputs.session.execute(f"CREATE TABLE {quote(NOW)}.{quote(name)} AS SELECT * FROM etl_read")
        inputs.session.unregister("etl_read")
