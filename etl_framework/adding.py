"""Sources and KPIs put into a pipeline's file, whose comments and order stay as they are."""

from __future__ import annotations

import re

from etl_framework.columns import Column, ColumnType
from etl_framework.config.models import Pipeline
from etl_framework.config.project import TEMPLATES, PipelineFile, Project
from etl_framework.errors import ConfigError, PlanError, did_you_mean
from etl_framework.importing import source_yaml
from etl_framework.queries import compile_queries

KPI = """\
  {name}:
    description: Rows of {relation} by {by}.
    sql: {pipeline}/{name}.sql
    target: {{connection: {connection}, table: {name}}}
    columns:
      - {{name: {by}, type: {type}, primary_key: true}}
      - {{name: {count}, type: bigint}}
    tests:
      - name: {relation}_are_counted
        given:
          {relation}:
            - {{{by}: {value}}}
            - {{{by}: {value}}}
        expect:
          - {{{by}: {value}, {count}: 2}}
"""
SQL = """-- One row per {by}.
SELECT {by}, COUNT(*) AS {count}
FROM {relation}
WHERE {by} IS NOT NULL
GROUP BY {by}
"""
VALUES = {
    "integer": "1", "decimal": "1.5", "float": "1.5", "boolean": "true", "text": "a",
    "date": "2024-06-25", "timestamp": "2024-06-25 08:00:00",
    "timestamptz": "2024-06-25 08:00:00+00:00",
}  # fmt: skip


def add_kpi(
    project: Project, pipeline: str, name: str, relation: str | None, by: str | None
) -> list[str]:
    """Add a KPI that counts rows, to be edited: block, template, unit test.

    :param relation: what it reads; the last transform, else the last source, if not given.
    :param by: the column that it groups by; the first that is no key if not given.
    :returns: the files that were written, below the project's folder.
    :raises ConfigError: a name is unknown or taken, or the file cannot take another block.
    """
    found, model = _file(project, pipeline)
    _free(model, name)
    template = f"{TEMPLATES}/{pipeline}/{name}.sql"
    if (project.root / template).exists():
        raise ConfigError(f"{template} is there already; nothing was written")
    known = [*model.sources, *model.transforms]
    relation = relation or known[-1]
    if relation not in known:
        hint = did_you_mean(relation, known)
        raise ConfigError(f"no source or transform is called '{relation}'", hint=hint)
    columns = _columns(project, found, model, relation)
    keys = {c.name for c in model.relations()[relation].columns if c.primary_key}
    by = by or next((column for column in columns if column not in keys), next(iter(columns), ""))
    if by not in columns:
        raise ConfigError(f"'{relation}' has no column '{by}'", hint=did_you_mean(by, columns))
    type_ = columns[by]
    facts = {
        "name": name, "pipeline": pipeline, "relation": relation, "by": by,
        "count": "rows" if by != "rows" else "count_of_rows",
        "type": f'"{type_}"' if "," in str(type_) else str(type_),
        "value": VALUES[type_.family], "connection": _warehouse(model),
    }  # fmt: skip
    text = inserted(found, "kpis", KPI.format(**facts))
    (project.root / template).parent.mkdir(parents=True, exist_ok=True)
    (project.root / template).write_text(SQL.format(**facts), encoding="utf-8")
    (project.root / found.file.path).write_text(text, encoding="utf-8")
    return [found.file.path, template]


def add_source(
    project: Project,
    pipeline: str,
    name: str,
    environment: str | None,
    connection: str,
    what: str,
) -> list[str]:
    """Add a source as it is there.

    :param what: a table, or a pattern of files.
    :raises ConfigError: as `add_kpi`.
    :raises DataMissingError: there is no such table or file.
    """
    found, model = _file(project, pipeline)
    _free(model, name)
    block = source_yaml(project, environment, connection, what, name)
    text = inserted(found, "sources", block)
    (project.root / found.file.path).write_text(text, encoding="utf-8")
    return [found.file.path]


def inserted(found: PipelineFile, section: str, block: str) -> str:
    """A file's text with a block at the end of a section.

    :param block: indented by two, as YAML.
    :raises ConfigError: the section is written in one line.
    """
    file = found.file
    lines = file.text.splitlines(keepends=True)
    if lines and not lines[-1].endswith("\n"):
        lines[-1] += "\n"
    start = file.keys.get((section,))
    if start is None:
        return "".join(lines) + f"\n{section}:\n{block}"
    children = [place for keys, place in file.keys.items() if len(keys) == 2 and keys[0] == section]
    if not children or any(line == start[0] for line, _ in children):
        message = f"'{section}' is written in one line"
        raise ConfigError(
            [file.diagnostic((section,), "R100", message, "write one entry a line", of_key=True)]
        )
    later = [line for keys, (line, _) in file.keys.items() if len(keys) == 1 and line > start[0]]
    end = min(later) - 1 if later else len(lines)
    while end > start[0] and re.match(r"\s*(#.*)?$", lines[end - 1]):
        end -= 1  # what stands before the next key belongs to that
    indent = " " * (children[0][1] - 1)
    shifted = re.sub(r"^  ", indent, block, flags=re.MULTILINE)
    gap = "\n" if _spaced(lines, [line for line, _ in children]) else ""
    return "".join([*lines[:end], gap, shifted, *lines[end:]])


def _spaced(lines: list[str], starts: list[int]) -> bool:
    """Whether the entries of a section are apart."""
    return any(lines[line - 2].strip() == "" for line in starts[1:])


def _file(project: Project, pipeline: str) -> tuple[PipelineFile, Pipeline]:
    found = project.pipeline(pipeline)
    if found.model is None or found.file.diagnostics:
        raise ConfigError(found.file.diagnostics)
    return found, found.model


def _free(model: Pipeline, name: str) -> None:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise ConfigError(f"'{name}' is no name", hint="small letters, digits and _: by_country")
    if name in model.relations():
        raise ConfigError(f"'{model.name}' has a '{name}' already; nothing was written")


def _columns(
    project: Project, found: PipelineFile, model: Pipeline, relation: str
) -> dict[str, ColumnType]:
    """Name and type of a relation's columns."""
    declared: list[Column] = list(model.relations()[relation].columns)
    if declared:
        return {column.name: column.type for column in declared}
    compilation = compile_queries(project.root, found, model.some_interval())
    if compilation.diagnostics:
        raise PlanError(compilation.diagnostics)
    shape = compilation.shapes.get(relation) or ()
    types = {name: ColumnType.of_duckdb(type_.lower()) for name, type_ in shape}
    return {name: type_ or ColumnType.parse("varchar") for name, type_ in types.items()}


def _warehouse(model: Pipeline) -> str:
    return next((kpi.target.connection for kpi in model.kpis.values()), "warehouse")
