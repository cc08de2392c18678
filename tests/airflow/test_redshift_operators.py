"""Airflow's own operators for Redshift, unmodified, against the stand-in."""

from __future__ import annotations

import pytest

from etl_framework.devstack.stack import BUCKET, ROLE, Stack
from tests.airflow.conftest import Airflow, by_name

pytestmark = pytest.mark.slow
OPERATORS = """
import json, logging, sys
logging.disable(logging.CRITICAL)
from airflow.providers.amazon.aws.hooks.redshift_sql import RedshiftSQLHook
from airflow.providers.amazon.aws.operators.redshift_data import RedshiftDataOperator
from airflow.providers.amazon.aws.transfers.redshift_to_s3 import RedshiftToS3Operator
from airflow.providers.amazon.aws.transfers.s3_to_redshift import S3ToRedshiftOperator
from airflow.providers.common.sql.operators.sql import SQLCheckOperator, SQLExecuteQueryOperator
bucket, role = sys.argv[1:]
known = {"redshift_conn_id": "redshift_default", "aws_conn_id": "aws_default"}
hook, found = RedshiftSQLHook(), {}

def rows():
    return [list(row) for row in hook.get_records("SELECT * FROM t ORDER BY n, s")]

hook.run(["CREATE TABLE t (n integer, s varchar(9))", "INSERT INTO t VALUES (1, 'a')"])
hook.insert_rows("t", [(3, "c")], target_fields=["n", "s"])
for method, more in [("APPEND", {}), ("REPLACE", {}), ("UPSERT", {"upsert_keys": ["n"]})]:
    S3ToRedshiftOperator(
        task_id=method, s3_bucket=bucket, s3_key="in/", schema="public", table="t", method=method,
        copy_options=["CSV"], **known, **more,
    ).execute({})
    found[method] = rows()
    if method == "REPLACE":
        hook.run("UPDATE t SET s = 'changed'")
RedshiftToS3Operator(
    task_id="unload", s3_bucket=bucket, s3_key="out", schema="public", table="t",
    unload_options=["FORMAT CSV", "HEADER"], **known,
).execute({})
for who in ({"cluster_identifier": "etl", "db_user": "awsuser"}, {"workgroup_name": "etl"}):
    given = RedshiftDataOperator(
        task_id="data", database="dev", sql=["SELECT COUNT(*) FROM t"], poll_interval=0.1,
        return_sql_result=True, aws_conn_id="aws_default", region_name="eu-west-1", **who,
    ).execute({})
    found[list(who)[0]] = given[0]["Records"]
found["query"] = [list(row) for row in SQLExecuteQueryOperator(
    task_id="query", conn_id="redshift_default", sql="SELECT n FROM t ORDER BY n",
).execute({})]
SQLCheckOperator(
    task_id="check", conn_id="redshift_default", sql="SELECT COUNT(*) FROM t",
).execute({})
print(json.dumps(found))
"""


def test_the_stand_in_serves_them(airflow: Airflow, stack: Stack) -> None:
    stack.s3.put_object(Bucket=BUCKET, Key="in/1.csv", Body=b"1,x\n5,e\n")
    found = airflow.script(OPERATORS, BUCKET, ROLE, env=by_name(stack))

    assert found == {
        "APPEND": [[1, "a"], [1, "x"], [3, "c"], [5, "e"]],
        "REPLACE": [[1, "x"], [5, "e"]],
        "UPSERT": [[1, "x"], [5, "e"]],
        "cluster_identifier": [[{"longValue": 2}]],
        "workgroup_name": [[{"longValue": 2}]],
        "query": [[1], [5]],
    }
    (written,) = stack.s3.list_objects_v2(Bucket=BUCKET, Prefix="out")["Contents"]
    body = stack.s3.get_object(Bucket=BUCKET, Key=written["Key"])["Body"].read()
    assert sorted(body.decode().split()) == ["1,x", "5,e", "n,s"]
