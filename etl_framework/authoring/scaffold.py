"""Write the files of a new project, pipeline or DAG."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from etl_framework.authoring.schemas import FILES, schemas
from etl_framework.authoring.write import write_all
from etl_framework.connections.base import Connection
from etl_framework.connections.files import Files
from etl_framework.connections.postgres import Postgres
from etl_framework.errors import ConfigError
from etl_framework.project.paths import PIPELINES
from etl_framework.project.project import Project
from etl_framework.targets.warehouses import warehouse_for

STUB = '''"""The DAG of {path}."""

from etl_framework.airflow import load_dag

load_dag("{name}", globals())
'''
STUB_OF_FOLDER = '''"""The DAGs of the pipelines in {folder}/."""

from etl_framework.airflow import load_dags

load_dags("{folder}", globals())
'''
PIPELINE = """# yaml-language-server: $schema={up}pipeline.schema.json
name: {name}
description: What {name} is for.
schedule: "@daily"
start_date: 2024-01-01

sources:
  orders:
    type: csv
    connection: {files}
    path: orders/{{{{ interval.date }}}}*.csv
    columns:
      - {{name: order_id, type: integer, primary_key: true}}
      - {{name: customer, type: varchar(100), required: true}}
      - {{name: amount, type: "decimal(10,2)"}}

kpis:
  {name}_customers:
    description: How much each customer ordered on a day.
    sql: {name}/customers.sql
    target:
      connection: {warehouse}
      table: {name}_customers
      strategy: append
    columns:
      - {{name: day, type: date, primary_key: true}}
      - {{name: customer, type: varchar(100), primary_key: true}}
      - {{name: orders, type: bigint}}
      - {{name: amount, type: "decimal(18,2)"}}
    tests:
      - name: orders_of_a_customer_are_added
        date: 2024-01-01
        given:
          orders:
            - {{order_id: 1, customer: ada, amount: 1.50}}
            - {{order_id: 2, customer: ada, amount: 2.00}}
        expect:
          - {{day: 2024-01-01, customer: ada, orders: 2, amount: 3.50}}
"""
SQL = """-- One row for each customer of the day.
SELECT CAST({{ interval.date }} AS DATE) AS day, customer, COUNT(*) AS orders, SUM(amount) AS amount
FROM orders
GROUP BY customer
"""


ENVIRONMENTS = """# yaml-language-server: $schema=environments.schema.json
default: local
environments:
  local:
    staging: .etl/staging
    connections:
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""
ROWS = """order_id,customer,amount
1,ada,12.50
2,grace,20.00
3,ada,7.25
"""
WORKFLOW = """name: etl
on: [pull_request]
permissions:
  contents: read
env:
  # Where etl-framework comes from, to be set: git+https://HOST/TEAM/etl-framework@VERSION, or the
  # path of a wheel in this repository.
  ETL_FRAMEWORK: ""
jobs:
  etl:
    runs-on: ubuntu-latest
    steps:
      - uses: actions/checkout@v4
        with: {fetch-depth: 0}
      - uses: actions/setup-python@v5
        with: {python-version: "3.12"}
      - name: Install
        run: pip install "${ETL_FRAMEWORK:?is to be set in .github/workflows/etl.yml}"
      - name: Lint
        run: etl lint --no-cache --format github
      - name: Test the SQL
        run: etl test
      - name: What the change does to the KPIs
        env:
          BASE: origin/${{ github.base_ref }}
        run: etl diff --base "$BASE" --date 2024-06-25 >> "$GITHUB_STEP_SUMMARY"
"""
HOOKS = """repos:
  - repo: local
    hooks:
      - id: etl-lint
        name: etl lint
        entry: etl lint
        language: system
        pass_filenames: false
        files: ^(pipelines/|\\w+_templates/|dags/|(environments|policies)\\.yml$|setup\\.cfg$)
"""


def new_project(folder: Path) -> list[str]:
    """Write a project that runs, for the user to edit.

    :returns: the files, below the folder.
    :raises ConfigError: the folder is not empty.
    """
    if folder.exists() and any(path.name != ".git" for path in folder.iterdir()):
        raise ConfigError(f"{folder} is not empty; nothing was written", hint="name a new folder")
    facts = {"name": "orders", "files": "lake", "warehouse": "warehouse", "up": "../"}
    return _write(
        folder,
        {
            "environments.yml": ENVIRONMENTS,
            "pipelines/orders.yml": PIPELINE.format(**facts),
            "sql_templates/orders/customers.sql": SQL,
            "dags/orders.py": STUB.format(name="orders", path="pipelines/orders.yml"),
            "lake/orders/2024-06-25.csv": ROWS,
            ".github/workflows/etl.yml": WORKFLOW,
            ".pre-commit-config.yaml": HOOKS,
            ".gitignore": ".etl/\nreport/\n__pycache__/\n",
            **{FILES[name]: text for name, text in schemas().items()},
        },
    )


def new_pipeline(project: Project, name: str) -> list[str]:
    """Write a pipeline that runs, for the user to edit: its file, its SQL, its DAG file.

    :returns: the files, below the project's folder.
    :raises ConfigError: the name is not allowed, or a file exists already.
    """
    if not re.fullmatch(r"([a-z][a-z0-9_]*/)*[a-z][a-z0-9_]*", name):
        hint = "small letters, digits and _: music_shop, or shop/music_shop in a folder"
        raise ConfigError(f"'{name}' is no name for a pipeline", hint=hint)
    folder, _, name = name.rpartition("/")
    path = "/".join(filter(None, (PIPELINES, folder, f"{name}.yml")))
    up = "../" * path.count("/")
    connections = project.environment(None).connections
    files = next((n for n, c in connections.items() if isinstance(c, Files)), "lake")
    warehouse = _warehouse(project, connections)
    text = PIPELINE.format(name=name, files=files, warehouse=warehouse, up=up)
    return _write(
        project.root,
        {
            path: text,
            f"sql_templates/{name}/customers.sql": SQL,
            f"dags/{name}.py": STUB.format(name=name, path=path),
        },
    )


def _warehouse(project: Project, connections: Mapping[str, Connection]) -> str:
    """Return the connection for KPIs: one that KPIs use already, or a warehouse without a seed."""
    models = project.models
    used = [kpi.target.connection for model in models for kpi in model.kpis.values()]
    fit = [n for n, c in connections.items() if warehouse_for(c) and not getattr(c, "seed", None)]
    fit.sort(key=lambda name: isinstance(connections[name], Postgres))
    return next((name for name in (*used, *fit) if name in fit), "warehouse")


def new_dag(project: Project, name: str) -> list[str]:
    """Write the DAG file of a pipeline.

    :raises ConfigError: there is no such pipeline, or the file exists already.
    """
    if "/" in name:
        folder = name.strip("/")
        if not any(found.file.path.startswith(f"{folder}/") for found in project.pipelines):
            raise ConfigError(f"there is no pipeline in {folder}")
        stub = STUB_OF_FOLDER.format(folder=folder)
        return _write(project.root, {f"dags/{folder.rpartition('/')[2]}.py": stub})
    path = project.pipeline(name).file.path
    return _write(project.root, {f"dags/{name}.py": STUB.format(name=name, path=path)})


def _write(root: Path, texts: dict[str, str]) -> list[str]:
    write_all(root, texts)
    return list(texts)
