"""The SQL of a pipeline, compiled: rendered, read, its names resolved, its result's columns known."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.columns import Column, ColumnType
from etl_framework.config.models import Kpi, Pipeline, Transform
from etl_framework.config.project import TEMPLATES, PipelineFile
from etl_framework.engines.duckdb import describe
from etl_framework.errors import Diagnostic, PlanError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.sql import dialect, scope
from etl_framework.sql.templates import Rendered, TemplateProblemError, render_sql

if TYPE_CHECKING:
    from sqlglot import exp


@dataclass(frozen=True)
class Compiled:
    """One transform or KPI.

    :param inputs: the relations it reads, in the order of the text.
    :param sql: what the engine runs; empty when it could not be compiled, or for a Python function.
    :param columns: name and DuckDB type of the result; None when they are not known.
    """

    name: str
    inputs: tuple[str, ...]
    template: str = ""
    sql: str = ""
    columns: tuple[tuple[str, str], ...] | None = None


@dataclass
class Compilation:
    """Every transform and KPI of a pipeline, in an order that they can run in."""

    queries: dict[str, Compiled] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)


@dataclass(frozen=True)
class _Draft:
    """A template that renders and parses."""

    rendered: Rendered
    tree: exp.Query
    references: list[scope.Reference]


def compile_queries(root: Path, found: PipelineFile, interval: DataInterval) -> Compilation:
    """Compile all SQL of a pipeline; every problem of every template is in the diagnostics.

    Nothing is executed: types come from the embedded engine's planner over empty tables.
    """
    compilation = Compilation()
    if found.model is None:
        return compilation
    drafts = {}
    for name, query in {**found.model.transforms, **found.model.kpis}.items():
        if query.sql is None:
            continue
        draft = _draft(root, found, name, query, interval, compilation.diagnostics)
        if draft:
            drafts[name] = draft
    inputs = {name: _inputs(draft, found) for name, draft in drafts.items()}
    inputs |= {n: t.inputs for n, t in found.model.transforms.items() if t.python}
    for name in _ordered(found, inputs, compilation.diagnostics):
        compilation.queries[name] = _compile(found, name, inputs, drafts, compilation)
    return compilation


def _section(pipeline: Pipeline, name: str) -> str:
    return "transforms" if name in pipeline.transforms else "kpis"


def _draft(
    root: Path,
    found: PipelineFile,
    name: str,
    query: Transform | Kpi,
    interval: DataInterval,
    diagnostics: list[Diagnostic],
) -> _Draft | None:
    """Read, render and parse a template; None, with a diagnostic, when that fails."""
    keys = (_section_of(found, name), name, "sql")
    folder = (root / TEMPLATES).resolve()
    path = (folder / str(query.sql)).resolve()
    if not path.is_relative_to(folder):
        message = f"the template '{query.sql}' leads out of {TEMPLATES}/"
        diagnostics.append(found.file.diagnostic(keys, "E302", message))
        return None
    shown = f"{TEMPLATES}/{query.sql}"
    try:
        source = path.read_text(encoding="utf-8-sig")
        rendered = render_sql(shown, source, interval, query.params)
        tree = dialect.parse(rendered.sql)
    except UnicodeDecodeError:
        diagnostics.append(Diagnostic(shown, 1, 1, "E101", "the file is not UTF-8 text"))
    except OSError:
        templates = [str(each.relative_to(folder)) for each in folder.rglob("*.sql")]
        message = f"there is no template '{query.sql}' under {TEMPLATES}/"
        hint = did_you_mean(str(query.sql), templates)
        diagnostics.append(found.file.diagnostic(keys, "E302", message, hint))
    except TemplateProblemError as error:
        diagnostics.append(error.diagnostic)
    except dialect.SqlSyntaxError as error:
        diagnostics.append(rendered.diagnostic(error.offset, "E410", str(error)))
    else:
        return _Draft(rendered, tree, scope.references(tree))
    return None


def _section_of(found: PipelineFile, name: str) -> str:
    return "transforms" if found.model and name in found.model.transforms else "kpis"


def _inputs(draft: _Draft, found: PipelineFile) -> list[str]:
    """The relations that a query names, each once."""
    known = found.model.relations() if found.model else {}
    return list(dict.fromkeys(r.name for r in draft.references if r.name in known))


def _ordered(
    found: PipelineFile, inputs: dict[str, list[str]], diagnostics: list[Diagnostic]
) -> Iterator[str]:
    """Names so that each comes after what it reads; a cycle is reported and left out."""
    waiting = dict(inputs)
    while waiting:
        ready = [name for name, needs in waiting.items() if not any(n in waiting for n in needs)]
        if not ready:
            yield from _without_cycles(found, waiting, diagnostics)
            return
        for name in ready:
            yield name
            del waiting[name]


def _without_cycles(
    found: PipelineFile, waiting: dict[str, list[str]], diagnostics: list[Diagnostic]
) -> Iterator[str]:
    """Report each cycle among the waiting once, at the relation that the file names first."""
    seen: set[str] = set()
    for name in waiting:
        path = [name]
        while path[-1] not in seen and path[-1] in waiting:
            seen.add(path[-1])
            path.append(next((n for n in waiting[path[-1]] if n in waiting), ""))
        if path[-1] in path[:-1]:
            circle = " -> ".join(path[path.index(path[-1]) :])
            keys = (_section_of(found, path[-1]), path[-1])
            message = f"these relations read each other: {circle}"
            hint = "take one of them out of the other's FROM"
            diagnostics.append(
                found.file.diagnostic(keys, "E304", message, hint, of_key=True)
            )
    yield from ()


def _compile(
    found: PipelineFile,
    name: str,
    inputs: dict[str, list[str]],
    drafts: dict[str, _Draft],
    compilation: Compilation,
) -> Compiled:
    assert found.model is not None
    needs = tuple(inputs[name])
    draft = drafts.get(name)
    if draft is None:
        columns = found.model.transforms[name].columns
        return Compiled(name, needs, columns=tuple((c.name, c.type.duckdb) for c in columns))
    known = _known_columns(found, compilation)
    problems = list(_scope_problems(found, draft, known))
    compilation.diagnostics += problems
    template = draft.rendered.source
    schema = {need: dict(columns) for need in needs if (columns := known.get(need)) is not None}
    if problems or len(schema) < len(needs):
        return Compiled(name, needs, template)
    try:
        sql = dialect.transpile(draft.rendered.sql, to="duckdb", schema=schema)
        columns = tuple(describe(sql, schema))
    except PlanError as error:
        message = error.diagnostics[0].message
        compilation.diagnostics.append(draft.rendered.diagnostic(0, "E415", message))
        return Compiled(name, needs, template)
    contract = found.model.relations()[name].columns
    if contract and (section := _section_of(found, name)) and name not in found.loose():
        compilation.diagnostics += _contract(found, (section, name), columns, contract)
        columns = tuple((column.name, column.type.duckdb) for column in contract)
    return Compiled(name, needs, template, sql, columns)


def _known_columns(
    found: PipelineFile, compilation: Compilation
) -> dict[str, tuple[tuple[str, str], ...] | None]:
    """Name and DuckDB type of every column known so far; None where a relation is broken."""
    assert found.model is not None
    known: dict[str, tuple[tuple[str, str], ...] | None] = dict.fromkeys(found.broken())
    for name, relation in found.model.relations().items():
        if name in found.loose():
            known[name] = None
        elif name in found.model.sources:
            known[name] = tuple((c.name, c.type.duckdb) for c in relation.columns)
        else:
            compiled = compilation.queries.get(name)
            known[name] = compiled.columns if compiled else None
    return known


def _scope_problems(
    found: PipelineFile,
    draft: _Draft,
    known: dict[str, tuple[tuple[str, str], ...] | None],
) -> Iterator[Diagnostic]:
    for reference in draft.references:
        if reference.name not in known:
            message = f"unknown relation '{reference.name}'"
            hint = did_you_mean(reference.name, known)
            yield draft.rendered.diagnostic(reference.offset, "E411", message, hint)
    columns = {name: None if c is None else [column for column, _ in c] for name, c in known.items()}
    for problem in scope.column_problems(draft.tree, columns):
        yield draft.rendered.diagnostic(
            problem.offset, problem.code, problem.message, problem.hint
        )


def _contract(
    found: PipelineFile,
    keys: tuple[str, str],
    result: Sequence[tuple[str, str]],
    contract: Sequence[Column],
) -> Iterator[Diagnostic]:
    """What the SQL gives against what `columns` promises: names in order, types of one family."""
    given = [name.lower() for name, _ in result]
    wanted = [column.name.lower() for column in contract]
    if given != wanted:
        message = f"the SQL gives the columns {', '.join(given)}, and not {', '.join(wanted)}"
        hint = "name and order the SELECT list as 'columns' does"
        yield found.file.diagnostic((*keys, "columns"), "E420", message, hint, of_key=True)
        return
    for index, (column, (_, type_)) in enumerate(zip(contract, result, strict=True)):
        if not fits(type_, column.type):
            message = f"the SQL gives '{column.name}' as {type_}, and not as {column.type}"
            hint = f"write CAST(... AS {column.type}) in the SELECT list"
            where = (*keys, "columns", index, "type")
            yield found.file.diagnostic(where, "E421", message, hint)


def fits(given: str, wanted: ColumnType) -> bool:
    """Whether a DuckDB type becomes the wanted one without changing what values mean."""
    if given in ('"NULL"', "NULL"):
        return True
    numbers = ("integer", "decimal", "float")
    if given.startswith(("DECIMAL", "HUGEINT", "UHUGEINT")):
        return wanted.family in numbers
    try:
        family = ColumnType.parse(given.replace("TIMESTAMP WITH TIME ZONE", "timestamptz")).family
    except ValueError:
        return False
    return family == wanted.family or (family in numbers and wanted.family in numbers)
