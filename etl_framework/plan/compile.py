"""Compile a pipeline's SQL: render and parse it, resolve names, find the result's columns."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from etl_framework.checks.sql import Sql
from etl_framework.columns import Column
from etl_framework.errors import Diagnostic, PlanError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plan.compilation import Compilation, Compiled, Shape
from etl_framework.plan.conditions import condition_diagnostics
from etl_framework.plan.contract import unlike_names, unlike_types
from etl_framework.plan.draft import CURLY, CURLY_HINT, Draft, read_draft
from etl_framework.plan.each import each_problems
from etl_framework.plan.reads import histories, reads_problems
from etl_framework.plan.target_checks import target_check_problems
from etl_framework.project.models import Kpi, Pipeline, Transform
from etl_framework.project.project import PipelineFile
from etl_framework.project.window import THIS
from etl_framework.sql import dialect, scope
from etl_framework.sql.blame import blamed
from etl_framework.sql.missing import missing
from etl_framework.sql.planner import EmptyTables
from etl_framework.sql.references import result_names
from etl_framework.sql.results import held, repeated_names, unnamed, without_values
from etl_framework.sql.scope import ScopeProblem
from etl_framework.sql.translate import text_for_duckdb, translate


def compile_queries(root: Path, pipeline_file: PipelineFile, interval: DataInterval) -> Compilation:
    """Compile all SQL of a pipeline; the result holds every problem.

    Nothing is executed: types come from DuckDB's planner, over empty tables.
    """
    if pipeline_file.model is None:
        return Compilation()
    return _Compiler(root, pipeline_file, pipeline_file.model, interval).compile()


def compile_query(
    root: Path,
    pipeline_file: PipelineFile,
    interval: DataInterval,
    draft: Draft,
    more: Mapping[str, Shape],
) -> Compiled:
    """Compile a query over a pipeline's relations that is in no file of the project.

    :param more: the columns of what it may read besides.
    :raises PlanError: something is wrong with it, or with what it reads.
    """
    model = pipeline_file.model
    if model is None:
        raise PlanError("the pipeline's file has errors", hint="etl lint")
    return _Compiler(root, pipeline_file, model, interval).query(draft, more)


class _Compiler:
    """Compiles one pipeline."""

    def __init__(
        self, root: Path, pipeline_file: PipelineFile, pipeline: Pipeline, interval: DataInterval
    ) -> None:
        self._root = root
        self._pipeline_file = pipeline_file
        self._pipeline = pipeline
        self._interval = interval
        self._result = Compilation()
        self._relations = pipeline_file.relations
        self._tables = EmptyTables()
        self._wrong: dict[str, set[int]] = {}  # offsets of unknown columns
        self._more: Mapping[str, Shape] = {}
        self._given: dict[str, Shape] = {}  # what queries give, with the types of DuckDB

    def compile(self) -> Compilation:
        """Read all templates to find the order, then resolve names and types in that order."""
        try:
            return self._compile()
        finally:
            self._tables.close()

    def query(self, draft: Draft, more: Mapping[str, Shape]) -> Compiled:
        """Compile the pipeline, and then one more query."""
        try:
            self._compile()
            self._result.diagnostics.clear()
            self._more = more
            inputs = draft.inputs({**self._relations, **more})
            compiled = self._sql("query", inputs, draft, of_check=True)
        finally:
            self._tables.close()
        if not compiled.sql:
            raise PlanError(self._result.diagnostics or _wrong_inputs(inputs))
        return compiled

    def _compile(self) -> Compilation:
        drafts: dict[str, Draft] = {}
        inputs: dict[str, tuple[str, ...]] = {}
        for name, query in self._pipeline.queries().items():
            if query.sql is None:
                inputs[name] = tuple(query.inputs) if isinstance(query, Transform) else ()
                continue
            keys = (*self._relations[name].keys, "sql")
            if draft := self._draft(keys, query.sql, query.params):
                drafts[name] = draft
                inputs[name] = draft.inputs(self._relations)
        named: dict[str, Collection[str]] = {
            name: [reference.name for reference in draft.references]
            for name, draft in drafts.items()
        }
        self._result.diagnostics += reads_problems(self._pipeline_file, named)
        self._result.diagnostics += each_problems(self._pipeline_file)
        for name in self._ordered(inputs):
            draft = drafts.get(name)
            compiled = (
                self._sql(name, inputs[name], draft) if draft else self._python(name, inputs[name])
            )
            self._result.queries[name] = self._as_declared(compiled, draft)
        self._compile_checks()
        self._result.diagnostics += target_check_problems(self._pipeline_file, self._result.checks)
        self._result.shapes = self._shapes()
        for relation in self._relations.values():
            self._result.of_conditions += condition_diagnostics(
                relation, self._result.shapes[relation.name], self._tables
            )
        return self._result

    def _problem(self, problem: Diagnostic) -> None:
        self._result.diagnostics.append(problem)

    def _draft(
        self, keys: tuple[str | int, ...], sql: str, params: Mapping[str, Any]
    ) -> Draft | None:
        """Read a template; if something is wrong with it, add diagnostics and return None."""
        draft = read_draft(self._root, self._pipeline_file, keys, sql, self._interval, params)
        if isinstance(draft, Draft):
            return draft
        self._result.diagnostics += draft
        return None

    def _compile_checks(self) -> None:
        """Compile the SQL of checks, which may read every relation."""
        for name, relation in self._relations.items():
            for index, check in enumerate(relation.block.checks):
                if not isinstance(check, Sql):
                    continue
                keys = (*relation.keys, "checks", index, "sql")
                if draft := self._draft(keys, check.sql, check.params):
                    inputs = draft.inputs(self._relations)
                    self._result.checks[name, index] = self._sql(
                        check.label, inputs, draft, of_check=True
                    )

    def _ordered(self, inputs: Mapping[str, Sequence[str]]) -> Iterator[str]:
        """The names, each after those that it reads; cycles are reported and left out."""
        waiting = dict(inputs)
        while ready := [n for n, needs in waiting.items() if not any(x in waiting for x in needs)]:
            for name in ready:
                yield name
                del waiting[name]
        seen: set[str] = set()
        for name in waiting:
            path = [name]
            while path[-1] in waiting and path[-1] not in seen:
                seen.add(path[-1])
                path.append(next((n for n in waiting[path[-1]] if n in waiting), ""))
            if path[-1] in path[:-1]:
                circle = " -> ".join(path[path.index(path[-1]) :])
                message = f"these relations read each other: {circle}"
                hint = "take one of them out of the other's FROM"
                keys = self._relations[path[-1]].keys
                self._problem(
                    self._pipeline_file.file.diagnostic(keys, "E304", message, hint, of_key=True)
                )

    def _python(self, name: str, inputs: tuple[str, ...]) -> Compiled:
        columns = self._relations[name].block.columns
        return Compiled(name, inputs, columns=_declared(columns))

    def _sql(
        self, name: str, inputs: tuple[str, ...], draft: Draft, *, of_check: bool = False
    ) -> Compiled:
        shapes = self._shapes()
        own = {} if of_check else self._own_tables(name)
        shapes |= own
        problems = list(self._name_problems(name, draft, shapes))
        if not of_check:
            problems += self._places(draft, unnamed(draft.tree))
        self._result.diagnostics += problems
        template = draft.rendered.source
        read = (*inputs, *own)
        schema = {need: dict(shape) for need in read if (shape := shapes.get(need)) is not None}
        # If the block of a relation is wrong, nothing is known of the relation, and errors that
        # follow from that are not reported.
        if problems or any(shapes[reference.name] is None for reference in draft.references):
            return Compiled(name, inputs, template)
        sql = ""
        try:
            tree = dialect.typed(draft.tree, schema)
            if not of_check and (twice := repeated_names(tree)):
                self._result.diagnostics += self._places(draft, twice)
                return Compiled(name, inputs, template)
            self._result.trees[name] = draft.rendered, dialect.copied(tree)
            if untranslatable := translate(tree):
                self._result.diagnostics += self._places(draft, untranslatable)
                return Compiled(name, inputs, template)
            sql = text_for_duckdb(tree, pretty=True)
            given = without_values(draft.tree, self._tables.describe(sql, schema))
            self._given[name] = tuple(given)
            sql, columns = held(draft.tree, sql, given)
        except PlanError as error:
            said, written = error.diagnostics[0], draft.rendered.sql
            offset = blamed(error.__cause__, written, sql)
            self._problem(draft.rendered.diagnostic(offset, "E415", said.message, said.hint))
            return Compiled(name, inputs, template)
        return Compiled(name, inputs, template, sql, tuple(columns), draft.rendered.sql)

    def _as_declared(self, compiled: Compiled, draft: Draft | None) -> Compiled:
        """Give a query its declared columns, and report how its SQL does not fit them."""
        relation = self._relations[compiled.name]
        contract = relation.block.columns
        if not contract or draft is None or compiled.name in self._pipeline_file.loose():
            return compiled
        file, keys = self._pipeline_file.file, (*relation.keys, "columns")
        # If a query names an unknown column, only the names of its other columns are known.
        names = [name for name, _ in compiled.columns or ()]
        names = names or result_names(draft.tree, self._wrong[compiled.name])
        problems = list(unlike_names(file, keys, names, contract)) if names else []
        if compiled.columns and not problems:
            problems += unlike_types(
                file, keys, [t for _, t in self._given[compiled.name] or ()], contract
            )
        self._result.diagnostics += problems
        return replace(compiled, columns=_declared(contract)) if compiled.columns else compiled

    def _shapes(self) -> dict[str, Shape]:
        """The columns of every relation so far: those that it declares, else those of its SQL."""
        known: dict[str, Shape] = dict.fromkeys(self._pipeline_file.broken())
        for name, relation in self._relations.items():
            compiled = self._result.queries.get(name)
            known[name] = compiled.columns if compiled else None
            if name in self._pipeline_file.loose():
                known[name] = None
            elif relation.block.staged:
                known[name] = _declared(relation.block.staged)
        return known | dict(self._more)

    def _own_tables(self, name: str) -> dict[str, Shape]:
        """What a query reads of tables: histories, and by the name `this` that of the KPI."""
        block = self._relations[name].block
        reads_it = isinstance(block, Kpi) and THIS in block.reads
        this: dict[str, Shape] = {THIS: _declared(block.columns)} if reads_it else {}
        return histories(block, self._relations) | this

    def _name_problems(
        self, name: str, draft: Draft, shapes: Mapping[str, Shape]
    ) -> Iterator[Diagnostic]:
        absent = list(missing(draft.rendered.sql, draft.tree))
        called = {problem.offset for problem in absent}  # functions in FROM are among them
        for reference in draft.references:
            if reference.name not in shapes and reference.offset not in called:
                message = f"unknown relation '{reference.name}'"
                hint = did_you_mean(reference.name, shapes)
                yield draft.rendered.diagnostic(reference.offset, "E411", message, hint)
        columns = {n: None if s is None else [column for column, _ in s] for n, s in shapes.items()}
        problems = [*absent, *scope.column_problems(draft.scopes, columns)]
        self._wrong[name] = {problem.offset for problem in problems}
        yield from self._places(draft, problems)

    @staticmethod
    def _places(draft: Draft, problems: Iterable[ScopeProblem]) -> Iterator[Diagnostic]:
        for problem in problems:
            hint = CURLY_HINT if CURLY.search(problem.message) else problem.hint
            yield draft.rendered.diagnostic(problem.offset, problem.code, problem.message, hint)


def _wrong_inputs(inputs: Sequence[str]) -> str:
    return f"one of {', '.join(map(repr, inputs))} has errors; etl lint tells them"


def _declared(columns: Sequence[Column]) -> Shape:
    return tuple((column.name, column.type.duckdb) for column in columns)
