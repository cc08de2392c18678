"""A project of the benchmark: its tables are sources, and each query is a KPI."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dialect import for_redshift, plain

from etl_framework.columns import ColumnType
from etl_framework.plan.compile import compile_queries
from etl_framework.project.project import load_project

ENVIRONMENTS = """
default: local
environments:
  local:
    engine: duckdb
    staging: .etl/staging
    connections:
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
  pushdown:
    engine: redshift
    env_file: .etl/dev/env
    staging: "s3://{{ env.ETL_DEV_BUCKET }}/staging"
    staging_connection: lake
    connections:
      lake:
        type: s3
        bucket: "{{ env.ETL_DEV_BUCKET }}"
        endpoint_url: "{{ env.ETL_DEV_S3_URL }}"
      warehouse:
        type: redshift
        host: "{{ env.ETL_DEV_REDSHIFT_HOST }}"
        port: "{{ env.ETL_DEV_REDSHIFT_PORT }}"
        database: "{{ env.ETL_DEV_REDSHIFT_DATABASE }}"
        user: "{{ env.ETL_DEV_REDSHIFT_USER }}"
        password: "{{ env.ETL_DEV_REDSHIFT_PASSWORD }}"
        iam_role: "{{ env.ETL_DEV_REDSHIFT_ROLE }}"
        ssl_root_cert: "{{ env.ETL_DEV_AUTHORITY }}"
"""


@dataclass(frozen=True)
class Suite:
    """The tables and queries of TPC-H or TPC-DS.

    :param tables: for each table the type of each column, and the columns of its key.
    :param queries: the original of each query by its name: `q02`.
    """

    name: str
    folder: Path
    tables: Mapping[str, Any]
    queries: Mapping[str, str]

    @classmethod
    def read(cls, folder: Path, only: Iterable[str]) -> Suite:
        """The suite in a folder that `generate.py` has written.

        :param only: the queries that are wanted, such as `tpch.q02`; all if empty.
        """
        files = sorted((folder / "queries").glob("*.sql"))
        wanted = set(only) or {f"{folder.name}.{file.stem}" for file in files}
        queries = {
            file.stem: file.read_text(encoding="utf-8")
            for file in files
            if f"{folder.name}.{file.stem}" in wanted
        }
        tables = json.loads((folder / "tables.json").read_text(encoding="utf-8"))
        return cls(folder.name, folder, tables, queries)

    def reference(self) -> duckdb.DuckDBPyConnection:
        """Plain DuckDB with the tables."""
        session = duckdb.connect()
        for table in self.tables:
            session.execute(f"CREATE TABLE {table} AS FROM '{self.folder}/{table}.parquet'")
        return session


def write_project(root: Path, suite: Suite) -> None:
    """Write the pipeline of a suite and its templates.

    First each query is a transform, so that its columns can be asked for; then it is a KPI with
    these columns.
    """
    templates = root / "sql_templates" / suite.name
    templates.mkdir(parents=True)
    (root / "pipelines").mkdir(exist_ok=True)
    (root / "environments.yml").write_text(ENVIRONMENTS, encoding="utf-8")
    with suite.reference() as session:
        for name, sql in suite.queries.items():
            columns = len(session.execute(f"DESCRIBE {plain(sql)}").fetchall())
            written = for_redshift(f"{suite.name} {name}", sql, columns)
            (templates / f"{name}.sql").write_text(written, encoding="utf-8")
    _write_pipeline(root, suite, suite.tables, {})
    project = load_project(root)
    pipeline_file = project.pipeline(suite.name)
    interval = pipeline_file.model.some_interval()
    queries = compile_queries(project.root, pipeline_file, interval).queries
    read = {table for query in queries.values() for table in query.inputs}
    tables = [table for table in suite.tables if table in read]
    shapes = {name: query.columns for name, query in queries.items() if query.columns}
    _write_pipeline(root, suite, tables, shapes)


def run(root: Path, suite: Suite, environment: str = "local") -> str:
    """Run the pipeline of a suite; what it printed, if that failed."""
    command = [sys.executable, "-m", "etl_framework", "run", suite.name, "--env", environment]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    return (done.stdout + done.stderr) if done.returncode else ""


def _write_pipeline(
    root: Path, suite: Suite, tables: Iterable[str], shapes: Mapping[str, Any]
) -> None:
    """Write the pipeline file.

    :param tables: those that are sources.
    :param shapes: the name and DuckDB type of each column of the queries that become KPIs.
    """
    pipeline: dict[str, Any] = {
        "name": suite.name,
        "description": f"The queries of {suite.name}.",
        "schedule": "@daily",
        "start_date": "2024-01-01",
        "sources": {table: _source(suite, table) for table in tables},
        "transforms": {},
        "kpis": {},
    }
    for name in suite.queries:
        block: dict[str, Any] = {"sql": f"{suite.name}/{name}.sql"}
        if name not in shapes:
            pipeline["transforms"][name] = block
            continue
        table = f"{suite.name}_{name}"
        block["target"] = {"connection": "warehouse", "table": table, "strategy": "replace"}
        block["columns"] = [
            {"name": column, "type": str(ColumnType.of_duckdb(type_))}
            for column, type_ in shapes[name]
        ]
        pipeline["kpis"][name] = block
    text = yaml.safe_dump({key: block for key, block in pipeline.items() if block}, sort_keys=False)
    (root / f"pipelines/{suite.name}.yml").write_text(text, encoding="utf-8")


def _source(suite: Suite, table: str) -> dict[str, Any]:
    key = suite.tables[table]["key"]
    columns = [
        {"name": name, "type": type_, **({"primary_key": True} if name in key else {})}
        for name, type_ in suite.tables[table]["columns"].items()
    ]
    return {"type": "csv", "connection": "lake", "path": f"{suite.name}/{table}.csv",
            "columns": columns}  # fmt: skip
