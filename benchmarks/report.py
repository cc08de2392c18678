"""The pages of `etl report` for a thousand runs of fifty pipelines: time, size, pages.

One pipeline is run for twenty days; the others are copies of what it has left.
"""

from __future__ import annotations

import random
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from dataclasses import asdict
from pathlib import Path

import duckdb

from etl_framework.project.project import load_project
from etl_framework.run.history import records, stored

PIPELINES, DAYS, ORDERS = 50, 20, 300
ENVIRONMENTS = """
default: local
environments:
  local:
    staging: .etl/staging
    connections:
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""
PIPELINE = """
name: p00
description: The orders of a day.
owner: sales
schedule: "@daily"
start_date: 2024-06-01
sources:
  orders:
    type: csv
    connection: lake
    path: orders/{{ interval.date }}*.csv
    max_rejected: "50%"
    columns:
      - {name: order_id, type: integer, required: true}
      - {name: customer_id, type: integer}
      - {name: country, type: varchar(2)}
      - {name: amount, type: "decimal(10,2)"}
    checks:
      - {type: accepted_range, column: amount, min: 0, on_fail: quarantine}
  customers:
    type: csv
    connection: lake
    path: customers.csv
    columns:
      - {name: customer_id, type: integer, primary_key: true}
      - {name: email, type: varchar(50), sensitive: true}
      - {name: segment, type: varchar(20)}
transforms:
  joined: {sql: joined.sql}
kpis:
  by_country:
    description: Orders by country.
    sql: by_country.sql
    target: {connection: warehouse, table: p00_by_country, strategy: snapshot}
    columns:
      - {name: country, type: varchar(2), primary_key: true}
      - {name: orders, type: integer}
      - {name: amount, type: "decimal(12,2)"}
      - {name: mean_amount, type: double precision}
  by_segment:
    description: Orders by segment.
    sql: by_segment.sql
    target: {connection: warehouse, table: p00_by_segment, strategy: snapshot}
    columns:
      - {name: segment, type: varchar(20), primary_key: true}
      - {name: orders, type: integer}
      - {name: amount, type: "decimal(12,2)"}
      - {name: customers, type: integer}
"""
TEMPLATES = {
    "joined": """
SELECT o.order_id, o.country, o.amount, c.segment, c.customer_id
FROM orders AS o JOIN customers AS c ON c.customer_id = o.customer_id""",
    "by_country": """
SELECT country, COUNT(*) AS orders, SUM(amount) AS amount,
       AVG(CAST(amount AS double precision)) AS mean_amount
FROM joined GROUP BY country""",
    "by_segment": """
SELECT segment, COUNT(*) AS orders, SUM(amount) AS amount,
       COUNT(DISTINCT customer_id) AS customers
FROM joined GROUP BY segment""",
}


def write(root: Path) -> None:
    """The project, with one pipeline and its files: each day a row is no order, another is less."""
    for folder in ("pipelines", "sql_templates", "lake/orders"):
        (root / folder).mkdir(parents=True)
    (root / "environments.yml").write_text(ENVIRONMENTS)
    (root / "pipelines/p00.yml").write_text(PIPELINE.lstrip())
    for name, sql in TEMPLATES.items():
        (root / f"sql_templates/{name}.sql").write_text(sql.lstrip())
    chance = random.Random(7)
    customers = "".join(f"{n},c{n}@mail.example,s{n % 7}\n" for n in range(200))
    (root / "lake/customers.csv").write_text(f"customer_id,email,segment\n{customers}")
    for day in range(1, DAYS + 1):
        rows = "".join(
            f"{day * 1000 + n},{chance.randrange(200)},{chance.choice(['DE', 'FR', 'PL', 'IT'])},"
            f"{chance.randrange(1, 9000) / 100}\n"
            for n in range(ORDERS)
        )
        header = "order_id,customer_id,country,amount\n"
        file = root / f"lake/orders/2024-06-{day:02}.csv"
        file.write_text(f"{header}{rows}x,1,DE,1\n9,1,DE,-5\n")


def copy(root: Path) -> None:
    """The other pipelines, with records, ledger and tables as if they had been run, too."""
    names = [f"p{number:02}" for number in range(1, PIPELINES)]
    for name in names:
        file = root / f"pipelines/{name}.yml"
        file.write_text((root / "pipelines/p00.yml").read_text().replace("p00", name))
        shutil.copytree(root / ".etl/staging/p00", root / ".etl/staging" / name)
    staging = load_project(root).workspace(None).staging
    listed = list(stored(staging, "p00"))
    for file_name, record in zip(listed, records(staging, "p00", listed), strict=True):
        for name in names:
            staging.history(name).write(file_name, {**asdict(record), "pipeline": name})
    with duckdb.connect(str(root / ".etl/warehouse.duckdb")) as session:
        for name in names:
            for table in ("by_country", "by_segment"):
                session.execute(f"CREATE TABLE {name}_{table} AS FROM p00_{table}")
            session.execute(
                f"INSERT INTO etl_ledger SELECT * REPLACE ('{name}' AS pipeline, "
                f"replace(CAST(targets AS VARCHAR), 'p00', '{name}') AS targets) "
                "FROM etl_ledger WHERE pipeline = 'p00'"
            )


def etl(root: Path, *arguments: str) -> None:
    """Run the command in the project."""
    command = [sys.executable, "-m", "etl_framework", *arguments]
    subprocess.run(command, cwd=root, check=True, capture_output=True)


def main() -> None:
    """Make the pages once, and print what that took."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder) / "project"
        write(root)
        etl(root, "run", "p00", "--from", "2024-06-01", "--to", f"2024-06-{DAYS}")
        copy(root)
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        etl(root, "report", "--to", f"2024-06-{DAYS}")
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        files = [file for file in (root / "report").rglob("*") if file.is_file()]
        runs = sum(bool(re.match(r"p\d\d-", file.name)) for file in files)
        spent = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        size = sum(file.stat().st_size for file in files) / 1e6
        print(f"{PIPELINES} pipelines, {runs:,} runs: {len(files):,} files, {size:.1f} MB")
        print(f"{spent:.1f} s of processor")


if __name__ == "__main__":
    main()
