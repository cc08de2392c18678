"""Run SQL on given rows: relations are made in one DuckDB session when they are needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.engines.duckdb.transform import contracted, tables
from etl_framework.errors import StepError
from etl_framework.plan.compilation import Compilation
from etl_framework.plan.plan import Plan
from etl_framework.plan.reads import EARLIER, histories
from etl_framework.plan.step import RowRule
from etl_framework.project.models import Kpi, Transform
from etl_framework.project.relation import Block, Relation
from etl_framework.project.window import THIS
from etl_framework.sql.quote import quote

if TYPE_CHECKING:
    import duckdb

# Takes a relation's name. Returns SQL for its rows if they are given, or None if the relation has
# to be computed.
Rows = Callable[[str], str | None]


@dataclass(frozen=True)
class Definition:
    """How a relation is computed.

    :param sql: the query for DuckDB; empty for a Python function.
    :param rules: conditions that are true for the rows that checks take out of the relation.
    :param compared: the relations that these conditions read.
    :param earlier: what holds rows of other data intervals, by the name that the SQL reads them by.
    """

    inputs: tuple[str, ...]
    sql: str
    block: Block
    rules: tuple[str, ...] = ()
    compared: tuple[str, ...] = ()
    earlier: Mapping[str, str] = field(default_factory=dict)


class Sandbox:
    """Makes a relation, and the relations that it reads, in a session; nothing is stored.

    `etl test`, `etl preview` and `etl diff` differ only in where the rows come from. `queries` has
    the SQL of the relations that were computed by SQL, over the tables of others.

    :param rows: returns SQL for the rows that are given.
    :param root: the project's folder, which contains the Python functions.
    :param schema: the schema to make the relations in; None makes temporary relations.
    :param note: a text that error messages add to a relation's name.
    :param tables: make a table of every relation, so that each row keeps its `rowid`.
    """

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        definitions: Mapping[str, Definition],
        rows: Rows,
        root: Path,
        schema: str | None = None,
        note: str = "",
        *,
        tables: bool = False,
    ) -> None:
        self.queries: dict[str, str] = {}
        self._tables = tables
        self._session = session
        self._definitions = definitions
        self._rows = rows
        self._root = root
        self._schema = schema
        self._note = note
        self._made: set[str] = set()

    def table(self, name: str) -> str:
        """Return the name of a relation in the session's SQL."""
        return f"{quote(self._schema)}.{quote(name)}" if self._schema else quote(name)

    def make(self, name: str) -> None:
        """Make a relation and the relations that it reads, unless it has been made already.

        :raises DataMissingError: a source has no data.
        :raises StepError: the SQL fails, or a source breaks its rules.
        """
        if name in self._made:
            return
        self._made.add(name)
        if rows := self._rows(name):
            self._create("VIEW", name, rows)
            return
        definition = self._definitions[name]
        needs = (*definition.inputs, *definition.compared, *definition.earlier.values())
        for need in dict.fromkeys(needs):
            self.make(need)
        block = definition.block
        # A KPI is read more than once, so a table saves computing it again.
        kind = "TABLE" if isinstance(block, Kpi) else "VIEW"
        sql = contracted(name, self._with_earlier(definition), block.columns)
        if isinstance(block, Transform) and block.python:
            import pyarrow as pa

            self._enter()
            returned = pa.concat_tables(tables(self._root, self._session, block))
            self._session.register("etl_returned", returned)
            sql, kind = "SELECT * FROM etl_returned", "TABLE"
        if definition.rules:
            kept = " AND ".join(f"({rule}) IS NOT TRUE" for rule in definition.rules)
            sql = f"SELECT * FROM ({sql}) WHERE {kept}"
        if not (isinstance(block, Transform) and block.python):
            self.queries[name] = sql
        self._create(kind, name, sql)

    def _with_earlier(self, definition: Definition) -> str:
        """The query, over all data intervals that it reads.

        For example, if it reads those of `daily`:

            WITH "daily" AS (
                SELECT * FROM now."daily" UNION ALL SELECT * FROM now."earlier.daily_7d"
            ) SELECT * FROM (…)
        """
        read = []
        for name, earlier in definition.earlier.items():
            both = (name, earlier) if name in definition.inputs else (earlier,)
            rows = " UNION ALL ".join(f"SELECT * FROM {self.table(each)}" for each in both)
            read.append(f"{quote(name)} AS ({rows})")
        return (
            f"WITH {', '.join(read)} SELECT * FROM ({definition.sql})" if read else definition.sql
        )

    def _create(self, kind: str, name: str, sql: str) -> None:
        import duckdb

        kind = "TABLE" if self._tables else kind
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
    """Return how a pipeline's queries are computed, without taking out rows that break checks."""
    definitions = {}
    for name, query in compilation.queries.items():
        block = relations[name].block
        read = histories(block, relations)
        earlier = {history: EARLIER + history for history in read}
        if isinstance(block, Kpi) and THIS in block.reads:
            earlier[THIS] = EARLIER + name
        inputs = tuple(need for need in query.inputs if need not in read)
        definitions[name] = Definition(inputs, query.sql, block, earlier=earlier)
    return definitions


def planned_definitions(plan: Plan) -> dict[str, Definition]:
    """Return how the transforms and KPIs of a plan are computed.

    As in a run, a transform has no rows that its checks take out.
    """
    definitions = {}
    for step in plan.steps:
        if step.kind in ("transform", "kpi") and step.block:
            rules = list(_taking_out(plan, step.relation)) if step.kind == "transform" else []
            earlier = {need: of for need, of in step.inputs if of.startswith(EARLIER)}
            definitions[step.relation] = Definition(
                tuple(need for need, of in step.inputs if of not in earlier.values()),
                step.sql,
                step.block,
                tuple(rule.sql.predicate for rule in rules),
                tuple(parent[0] for rule in rules if (parent := rule.check.parent())),
                earlier,
            )
    return definitions


def _taking_out(plan: Plan, relation: str) -> Iterator[RowRule]:
    """Yield the checks that take rows out of a relation."""
    for step in plan.steps:
        for rule in step.row_rules if step.name == f"check.{relation}" else ():
            if rule.check.on_fail == "quarantine":
                yield rule
