"""A small project with a target of each strategy, and its data for two days."""

from __future__ import annotations

from pathlib import Path

import yaml

from etl_framework.devstack.stack import BUCKET, Stack

DAYS = ("2024-06-01", "2024-06-02")
TABLES = ("by_city", "log", "latest", "daily")
PLACED = {"connection": "warehouse"}
MONEY = {"name": "amount", "type": "decimal(12,2)"}
CITY, DAY = {"name": "city", "type": "varchar(20)"}, {"name": "day", "type": "timestamp"}
ORDER, CUSTOMER = {"name": "order_id", "type": "integer"}, {"name": "customer", "type": "integer"}
PIPELINE = {
    "name": "shop",
    "schedule": "@daily",
    "sources": {
        "customers": {
            "type": "postgres",
            "connection": "rds",
            "table": "customers",
            "columns": [{"name": "id", "type": "integer", "primary_key": True}, CITY],
        },
        "orders": {
            "type": "csv",
            "connection": "lake",
            "path": "orders/{{ interval.date }}*.csv",
            "max_rejected": "20%",
            "columns": [ORDER, CUSTOMER, MONEY, {"name": "ordered_at", "type": "timestamp"}],
            "checks": [
                {"type": "relationships", "column": "customer", "to": "customers.id",
                 "on_fail": "quarantine"},
            ],
        },
    },
    "transforms": {"paid": {"sql": "paid.sql"}},
    "kpis": {
        "by_city": {
            "sql": "by_city.sql",
            "target": {**PLACED, "table": "by_city", "strategy": "replace"},
            "columns": [CITY, MONEY],
        },
        "log": {
            "sql": "log.sql",
            "target": {**PLACED, "table": "log", "strategy": "append"},
            "columns": [ORDER, MONEY],
        },
        "latest": {
            "sql": "latest.sql",
            "target": {
                **PLACED, "table": "latest", "strategy": "merge", "unique_key": ["customer"],
            },
            "columns": [CUSTOMER, MONEY],
        },
        "daily": {
            "sql": "daily.sql",
            "target": {
                **PLACED, "table": "daily", "strategy": "delete+insert", "incremental_key": "day",
            },
            "columns": [DAY, MONEY],
        },
    },
}  # fmt: skip
# Another pipeline with tables of the first, for which it has the same rows.
SHARED = ("by_city", "latest", "daily")
RIVAL = {
    **PIPELINE,
    "name": "rival",
    "kpis": {name: PIPELINE["kpis"][name] for name in SHARED},  # type: ignore[index]
}
TEMPLATES = {
    "paid": "SELECT o.order_id, o.customer, o.amount, o.ordered_at, c.city FROM orders AS o "
    "JOIN customers AS c ON c.id = o.customer",
    "by_city": "SELECT city, SUM(amount) AS amount FROM paid GROUP BY city",
    "log": "SELECT order_id, amount FROM paid",
    "latest": "SELECT customer, MAX(amount) AS amount FROM paid GROUP BY customer",
    "daily": "SELECT DATE_TRUNC('day', ordered_at) AS day, SUM(amount) AS amount FROM paid "
    "GROUP BY 1",
}
ENVIRONMENT = {
    "staging": "s3://music-lake/stagingData",
    "staging_connection": "lake",
    "staging_days": 0,
    "connections": {
        "rds": {"type": "postgres", "url": "{{ env.ETL_DEV_RDS_URL }}"},
        "lake": {"type": "s3", "bucket": BUCKET, "endpoint_url": "{{ env.ETL_DEV_S3_URL }}"},
        "warehouse": {
            "type": "redshift",
            "host": "{{ env.ETL_DEV_REDSHIFT_HOST }}",
            "port": "{{ env.ETL_DEV_REDSHIFT_PORT }}",
            "database": "{{ env.ETL_DEV_REDSHIFT_DATABASE }}",
            "user": "{{ env.ETL_DEV_REDSHIFT_USER }}",
            "password": "{{ env.ETL_DEV_REDSHIFT_PASSWORD }}",
            "iam_role": "{{ env.ETL_DEV_REDSHIFT_ROLE }}",
            "ssl_root_cert": "{{ env.ETL_DEV_AUTHORITY }}",
        },
    },
}


def write(root: Path) -> None:
    """Write the project's files."""
    environments = {
        engine: {**ENVIRONMENT, "engine": engine, "work": f".etl/{engine}"}
        for engine in ("duckdb", "redshift")
    }
    (root / "pipelines").mkdir(parents=True)
    (root / "sql_templates").mkdir()
    both = {"default": "duckdb", "environments": environments}
    (root / "environments.yml").write_text(yaml.safe_dump(both), encoding="utf-8")
    for pipeline in (PIPELINE, RIVAL):
        file = root / f"pipelines/{pipeline['name']}.yml"
        file.write_text(yaml.safe_dump(pipeline), encoding="utf-8")
    for name, sql in TEMPLATES.items():
        (root / f"sql_templates/{name}.sql").write_text(sql, encoding="utf-8")


def fill(stack: Stack, root: Path) -> None:
    """Put customers into PostgreSQL, and orders of two days into the bucket."""
    seed = root / "seed"
    (seed / "rds").mkdir(parents=True)
    (seed / "rds/schema.sql").write_text(
        "DROP TABLE IF EXISTS customers; CREATE TABLE customers (id integer, city varchar(20));"
    )
    lines = [f"{n},{('Rome', 'Oslo', 'Lima')[n % 3]}" for n in range(1, 40)]
    (seed / "rds/customers.csv").write_text("id,city\n" + "\n".join(lines) + "\n")
    (seed / "lake/orders").mkdir(parents=True)
    for number, day in enumerate(DAYS):
        rows = [
            f"{number * 1000 + n},{n % 41 + 1},{n}.{n % 100:02},{day} {n % 24:02}:00:00"
            for n in range(1, 200)
        ]
        rows.insert(7, f"1,2,not a number,{day} 00:00:00")
        text = "order_id,customer,amount,ordered_at\n" + "\n".join(rows) + "\n"
        (seed / f"lake/orders/{day}.csv").write_text(text)
    stack.seed(seed)
