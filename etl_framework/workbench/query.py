"""`etl sql`: a query over sources, transforms and KPIs, and over the tables of targets."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.errors import ConfigError, Diagnostic, PlanError
from etl_framework.interval import DataInterval
from etl_framework.plan.compilation import Shape
from etl_framework.plan.compile import compile_query
from etl_framework.plan.draft import Draft, parsed
from etl_framework.plan.plan import Plan
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.sql.quote import quote
from etl_framework.workbench.inputs import NOW, Inputs
from etl_framework.workbench.tables import Readable, readable

# What diagnostics call the query.
SHOWN = "query"


@dataclass(frozen=True)
class Query:
    """A query that can be parsed.

    :param relations: the sources, transforms and KPIs that it reads.
    :param tables: the other tables that it reads, by the names that it has for them.
    """

    draft: Draft
    relations: tuple[str, ...]
    tables: Mapping[str, Readable]

    @classmethod
    def of(cls, project: Project, sql: str, interval: DataInterval) -> Query:
        """Read a query.

        :raises PlanError: it is none.
        :raises ConfigError: a table that it names does not exist.
        """
        draft = parsed(SHOWN, sql, interval, {})
        if not isinstance(draft, Draft):
            raise PlanError(draft)
        tables = dict(_tables(project, draft))
        draft = Draft.of(draft.rendered, draft.tree)
        read = dict.fromkeys(reference.name for reference in draft.references)
        return cls(draft, tuple(name for name in read if name not in tables), tables)


def _tables(project: Project, draft: Draft) -> Iterator[tuple[str, Readable]]:
    """The tables that are read beside relations; the query names each by one word then."""
    from sqlglot import exp

    for table in draft.tree.find_all(exp.Table):
        found = readable(project, table.db.lower(), table.name.lower())
        if not found:
            continue
        own, given = found
        name = f"{table.db.lower()}.{own}"
        word = exp.to_identifier(name, quoted=True)
        word.meta.update(table.this.meta)
        if not table.alias:
            table.set("alias", exp.TableAlias(this=exp.to_identifier(own)))
        table.set("this", word)
        table.set("db", None)
        yield name, given


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
            hint = "a query reads relations of one pipeline, and target.NAME, history.runs of any"
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
        name: tuple((column.name, column.type.duckdb) for column in table.columns)
        for name, table in query.tables.items()
    }
    pipeline_file = inputs.project.pipeline(plan.pipeline.name)
    compiled = compile_query(plan.root, pipeline_file, plan.interval, query.draft, shapes)
    sandbox = inputs.sandbox(plan)
    for name in compiled.inputs:
        if name not in query.tables:
            sandbox.make(name)
    for name, table in query.tables.items():
        table.copy(inputs, name)
    at_most = f" LIMIT {limit}" if limit else ""
    inputs.session.execute(f"SET schema = {quote(NOW)}")
    try:
        rows = inputs.session.execute(f"SELECT * FROM ({compiled.sql}){at_most}")
        return [column[0] for column in rows.description or ()], rows.fetchall()
    except duckdb.Error as error:
        text = str(error).split("\n")[0].rpartition("etl: ")[2]
        raise PlanError([Diagnostic(SHOWN, 1, 1, "E415", text)]) from error
