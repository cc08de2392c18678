"""Add sources and KPIs to a pipeline's file; its comments and its order stay as they are."""

from __future__ import annotations

import re
from codecs import BOM_UTF8

from etl_framework.authoring.import_source import scalar, source_yaml
from etl_framework.authoring.write import write_all
from etl_framework.columns import Column, ColumnType
from etl_framework.errors import ConfigError, PlanError, did_you_mean
from etl_framework.plan.compile import compile_queries
from etl_framework.project.models import Pipeline
from etl_framework.project.project import TEMPLATES, PipelineFile, Project
from etl_framework.project.yaml_insert import inserted
from etl_framework.sql.quote import quote

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
SELECT {column}, COUNT(*) AS {count}
FROM {relation}
WHERE {column} IS NOT NULL
GROUP BY {column}
"""
VALUES = {
    "integer": "1",
    "decimal": "1",
    "float": "1.5",
    "boolean": "true",
    "text": "a",
    "date": "2024-06-25",
    "timestamp": "2024-06-25 08:00:00",
    "timestamptz": "2024-06-25 08:00:00+00:00",
}


def relations(project: Project, pipeline: str) -> list[str]:
    """Return the relations that a KPI of a pipeline may read.

    :raises ConfigError: there is no such pipeline, or its file has errors.
    """
    _, model = _file(project, pipeline)
    return [*model.sources, *model.transforms]


def columns_of(project: Project, pipeline: str, relation: str) -> dict[str, ColumnType]:
    """Return name and type of the columns of a source or transform; key columns come last.

    :raises ConfigError: there is no such relation.
    :raises PlanError: the pipeline's SQL has errors.
    """
    pipeline_file, model = _file(project, pipeline)
    known = relations(project, pipeline)
    if relation not in known:
        hint = did_you_mean(relation, known)
        raise ConfigError(f"no source or transform is called '{relation}'", hint=hint)
    keys = {column.name for column in model.relations()[relation].columns if column.primary_key}
    types = _columns(project, pipeline_file, model, relation)
    return dict(sorted(types.items(), key=lambda item: item[0] in keys))


def add_kpi(project: Project, pipeline: str, name: str, relation: str, by: str) -> list[str]:
    """Add a KPI that counts rows, for the user to edit: block, template, unit test.

    :param relation: the relation that it reads.
    :param by: the column that it groups by.
    :returns: the files that were written, below the project's folder.
    :raises ConfigError: a name is unknown or taken, or the file cannot take another block.
    """
    pipeline_file, model = _file(project, pipeline)
    connection = _warehouse(model)
    free_name(project, pipeline, name, connection)
    columns = columns_of(project, pipeline, relation)
    if by not in columns:
        raise ConfigError(f"'{relation}' has no column '{by}'", hint=did_you_mean(by, columns))
    type_ = columns[by]
    facts = {
        "name": name,
        "pipeline": pipeline,
        "relation": relation,
        "connection": connection,
        "by": scalar(by),
        "column": by if _plain(by) else quote(by),
        "count": "rows" if by.lower() != "rows" else "count_of_rows",
        "type": scalar(str(type_)),
        "value": _value(type_),
    }
    template = f"{TEMPLATES}/{pipeline}/{name}.sql"
    changed = _inserted(project, pipeline_file, "kpis", name, KPI.format(**facts))
    write_all(project.root, {template: SQL.format(**facts)}, changed)
    return [pipeline_file.file.path, template]


def add_source(
    project: Project,
    pipeline: str,
    name: str,
    environment: str | None,
    connection: str,
    what: str,
) -> list[str]:
    """Add a source with the columns that a table or a file has.

    :param what: a table, or a pattern of files.
    :raises ConfigError: as `add_kpi`.
    :raises DataMissingError: there is no such table or file.
    """
    pipeline_file, _ = _file(project, pipeline)
    free_name(project, pipeline, name)
    block = source_yaml(project, environment, connection, what, name)
    write_all(project.root, {}, _inserted(project, pipeline_file, "sources", name, block))
    return [pipeline_file.file.path]


def free_name(project: Project, pipeline: str, name: str, connection: str | None = None) -> None:
    """Refuse a name that is not allowed, or is taken.

    :param connection: the connection of a KPI's target, in which the table must be free, too.
    :raises ConfigError: the name is not allowed, or is taken.
    """
    _, model = _file(project, pipeline)
    if not re.fullmatch(r"[a-z][a-z0-9_]{0,62}", name):
        raise ConfigError(f"'{name}' is no name", hint="small letters, digits and _: by_country")
    if name in model.relations():
        raise ConfigError(f"'{model.name}' has a '{name}' already; nothing was written")
    for other in project.models:
        targets = [(kpi.target.connection, kpi.target.table) for kpi in other.kpis.values()]
        if (connection, name) in targets:
            message = f"'{other.name}' writes the table '{name}' already; nothing was written"
            raise ConfigError(message)


def _inserted(
    project: Project, pipeline_file: PipelineFile, section: str, name: str, block: str
) -> dict[str, bytes]:
    raw = (project.root / pipeline_file.file.path).read_bytes()
    bom = raw[: len(BOM_UTF8)] if raw.startswith(BOM_UTF8) else b""
    text = inserted(raw.decode("utf-8-sig"), section, name, block)
    return {pipeline_file.file.path: bom + text.encode()}


def _plain(name: str) -> bool:
    """Return whether a name needs no quotes in SQL, in Redshift and in DuckDB."""
    import duckdb
    import sqlglot

    tokens = sqlglot.tokenize(name, read="redshift")
    return (
        name == name.lower()
        and [token.token_type.name for token in tokens] == ["VAR"]
        and duckdb.tokenize(name)[0][1] == duckdb.token_type.identifier
    )


def _value(type_: ColumnType) -> str:
    """Return an example value of a type, as YAML."""
    if type_.family == "decimal" and type_.arguments[0] == type_.arguments[1]:
        return "0"
    return VALUES[type_.family]


def _file(project: Project, pipeline: str) -> tuple[PipelineFile, Pipeline]:
    pipeline_file = project.pipeline(pipeline)
    if pipeline_file.model is None or pipeline_file.file.diagnostics:
        raise ConfigError(pipeline_file.file.diagnostics)
    return pipeline_file, pipeline_file.model


def _columns(
    project: Project, pipeline_file: PipelineFile, model: Pipeline, relation: str
) -> dict[str, ColumnType]:
    """Return name and type of a relation's columns."""
    declared: list[Column] = list(model.relations()[relation].columns)
    if declared:
        return {column.name: column.type for column in declared}
    compilation = compile_queries(project.root, pipeline_file, model.some_interval())
    if compilation.problems:
        raise PlanError(compilation.problems)
    shape = compilation.shapes.get(relation) or ()
    types = {name: ColumnType.of_duckdb(type_.lower()) for name, type_ in shape}
    return {name: type_ or ColumnType.parse("varchar") for name, type_ in types.items()}


def _warehouse(model: Pipeline) -> str:
    return next((kpi.target.connection for kpi in model.kpis.values()), "warehouse")
