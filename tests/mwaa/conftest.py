"""A project whose environment `prod` is one of MWAA."""

from __future__ import annotations

import pytest

from tests.conftest import Folder

PROD = """
  prod:
    staging: "s3://{{ var.s3_bucket }}/staging"
    staging_connection: lake
    connections:
      lake: {type: s3, conn_id: aws_default, bucket: "{{ var.s3_bucket }}"}
      rds: {type: postgres, conn_id: orders_rds}
      warehouse: {type: redshift, conn_id: redshift_default, iam_role: "{{ var.iam_arn }}"}
"""
STUB = 'from etl_framework.airflow import load_dag\n\nload_dag("orders", globals())\n'


@pytest.fixture
def with_prod(orders: Folder) -> Folder:
    file = orders.root / "environments.yml"
    file.write_text(file.read_text() + PROD.lstrip("\n"), encoding="utf-8")
    orders.write("dags/orders.py", STUB)
    orders.write("constraints/3.3.1.txt", "pandas==3.0.5\nduckdb==2.0.1\n")
    return orders
