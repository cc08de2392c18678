"""SQL over rows at hand: relations made in one DuckDB session when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.checks.base import RowCheck
from etl_framework.engines.duckdb.scan import predicate
from etl_framework.engines.duckdb.transform import contracted, tables
from etl_framework.errors import StepError
from etl_framework.plan.compile import Compilation
from etl_framework.plan.plan import Plan
from etl_framework.project.models import Kpi, Transform
from etl_framework.project.relation import Block, Relation
from etl_framework.sql.quote import quote

if TYPE_CHECKING:
    import duckdb

# SQL for the rows of a relation that are at hand; None for one that is to be computed.
Rows = Callable[[str], str | None]


@dataclass(frozen=True)
class Definition:
    """How a relation is computed.

    :param sql: as DuckDB runs it; empty for a function in Python.
    :param rules: conditions that are true for rows which its checks take out.
    :param compared: relations that these conditions read.
    """

    inputs: tuple[str, ...]
    sql: str
    block: Block
    rules: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()


class Sandbox:
    """Makes a relation, and those that it reads, in a session; nothing is kept.

    `etl test`, `etl preview` and `etl diff` differ only in where the rows come from.

    :param rows: gives the rows that are at hand.
    :param root: the project's folder, where functions in Python are looked for.
    :param schema: the schema that the relations are made in; they are temporary if None.
    :param note: what errors add to a relation's name.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        definitions: Mapping[str, Definition],
        rows: Rows,
        root: Path,
        schema: str | None = None,
        note: str = "",
    ) -> None:
        self._session = session
        self._definitions = definitions
        self._rows = rows
        self._root = root
        self._schema = schema
        self._note = note
        self._made: set[str] = set()

    def table(self, name: str) -> str:
        """What SQL of the session calls a relation."""
        return f"{quote(self._schema)}.{quote(name)}" if self._schema else quote(name)

    def make(self, name: str) -> None:
        """Make a relation and those that it reads, once.

        :raises DataMissingError: a source has no data.
        :raises StepError: the SQL does not run, or a source does not keep its rules.
        """
        if name in self._made:
            return
        self._made.add(name)
        if rows := self._rows(name):
            self._create("VIEW", name, rows)
            return
        definition = self._definitions[name]
        for need in dict.fromkeys((*definition.inputs, *definition.compared)):
            self.make(need)
        block = definition.block
        # What is looked at more than once is computed once.
        kind = "TABLE" if isinstance(block, Kpi) else "VIEW"
        sql = contracted(name, definition.sql, block.columns)
        if isinstance(block, Transform) and block.python:
            import pyarrow as pa

            self._enter()
            returned = pa.concat_tables(tables(self._root, self._session, block))
            self._session.register("etl_returned", returned)
            sql, kind = "SELECT * FROM etl_returned", "TABLE"
        if definition.rules:
            kept = " AND ".join(f"({rule}) IS NOT TRUE" for rule in definition.rules)
            sql = f"SELECT * FROM ({sql}) WHERE {kept}"
        self._create(kind, name, sql)

    def _create(self, kind: str, name: str, sql: str) -> None:
        import duckdb

        kind = kind if self._schema else f"TEMP {kind}"
        try:
            self._enter()
            self._session.execute(f"CREATE {kind} {self.table(name)} AS {sql}")
        except duckdb.Error as error:
            text = str(error).split("\n")[0]
            ours = text.partition("etl: ")[2]  # it names the relation itself
            problem = f"{ours}{self._note}" if ours else f"{name}{self._note}: {text}"
            raise StepError(problem) from error

    def _enter(self) -> None:
        if self._schema:
            self._session.execute(f"SET schema = {quote(self._schema)}")


def compiled_definitions(
    compilation: Compilation, relations: Mapping[str, Relation]
) -> dict[str, Definition]:
    """The queries of a pipeline alone: rows that their checks take out stay."""
    return {
        name: Definition(query.inputs, query.sql, relations[name].block)
        for name, query in compilation.queries.items()
    }


def planned_definitions(plan: Plan) -> dict[str, Definition]:
    """The transforms and KPIs of a plan, as those that read them see them in a run."""
    definitions = {}
    for step in plan.steps:
        if step.kind in ("transform", "kpi") and step.block:
            checks = list(_taking_out(plan, step.relation)) if step.kind == "transform" else []
            definitions[step.relation] = Definition(
                tuple(need for need, _ in step.inputs),
                step.sql,
                step.block,
                tuple(predicate(check) for check in checks),
                tuple(parent[0] for check in checks if (parent := check.parent())),
            )
    return definitions


def _taking_out(plan: Plan, relation: str) -> Iterator[RowCheck]:
    for step in plan.steps:
        for check in step.checks if step.name == f"check.{relation}" else ():
            if isinstance(check, RowCheck) and check.on_fail == "quarantine":
                yield check
