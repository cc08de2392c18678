"""Operators by hand: their data interval, what they say, and which errors are tried again."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from etl_framework.devstack.airflow_settings import connections_of
from etl_framework.devstack.stack import BUCKET, Stack
from tests.airflow.conftest import Airflow, posts
from tests.conftest import Folder, in_the_cluster

pytestmark = pytest.mark.slow
# Executes steps of a pipeline with a context as a task has it; says what came of each.
EXECUTE = """
import json, logging, sys
from datetime import datetime, timezone
from types import SimpleNamespace
from etl_framework.airflow import (
    CheckOperator, ExtractOperator, KpiOperator, PublishOperator, TransformOperator,
)
classes = {"extract": ExtractOperator, "check": CheckOperator, "kpi": KpiOperator,
           "transform": TransformOperator, "publish": PublishOperator}
logging.basicConfig(level=logging.INFO, stream=sys.stderr)
root, context, found = sys.argv[1], json.loads(sys.argv[2]), {}
conf, params = context.pop("conf", {}), context.pop("params", {})
context = {name: datetime.fromisoformat(value) for name, value in context.items()}
context["params"] = params
context["dag_run"] = SimpleNamespace(conf=conf, dag_id="orders", run_id="by_hand")
for step in sys.argv[3:]:
    operator = classes[step.partition(".")[0]](
        task_id=step.replace(".", "_"), step=step, pipeline="orders", project=root,
        notify=[{"type": "webhook", "conn_id": "hook", "endpoint": "/told", "events": ["warning"]}],
    )
    operator.render_template_fields(context)
    try:
        found[step] = [operator.sql, operator.execute(context)]
    except Exception as error:
        found[step] = [operator.sql, f"{type(error).__name__}: {error}"]
print(json.dumps(found))
"""
STEPS = ("extract.orders", "check.orders", "kpi.totals", "check.totals", "publish")
JUNE = (
    '{"data_interval_start": "2024-06-25T00:00:00+00:00",'
    ' "data_interval_end": "2024-06-26T00:00:00+00:00"}'
)


def from_postgres(orders: Folder) -> None:
    """Let the source be a table."""
    text = (orders.root / "pipelines/orders.yml").read_text()
    for was, is_ in [("type: csv", "type: postgres"), ("connection: lake", "connection: rds"),
                     ("path: orders/*.csv", "table: orders")]:  # fmt: skip
        text = text.replace(was, is_)
    orders.write("pipelines/orders.yml", text)


def test_a_step_whose_needs_have_not_run(airflow: Airflow, orders: Folder) -> None:
    found = airflow.script(EXECUTE, str(orders.root), JUNE, "kpi.totals")

    assert "'kpi.totals' needs 'check.orders', which has not finished" in found["kpi.totals"][1]


def test_a_run_step_by_step(airflow: Airflow, orders: Folder) -> None:
    found = airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS)

    assert found["extract.orders"][1] == {"state": "done", "read": 3, "kept": 3, "rejected": 0}
    assert "SUM(" in found["kpi.totals"][0]
    assert found["publish"][1]["rows"] == 2
    assert orders.query("SELECT customer, orders FROM totals ORDER BY 1") == [
        ("ada", 2), ("bob", 1),
    ]  # fmt: skip
    ((start,),) = orders.query("SELECT interval_start FROM etl_ledger")
    assert str(start).startswith("2024-06-25")


def test_the_tasks_of_a_dag_run_are_one_run(airflow: Airflow, orders: Folder) -> None:
    """It fails as long as a task has, and not when the task has been done again."""

    def runs() -> list[tuple[str, str, int]]:
        shown = json.loads(orders.etl("show", "runs", "--format", "json").stdout)
        return [(run["how"], run["state"], run["rows"]) for run in shown]

    file = orders.root / "lake/orders/1.csv"
    text = file.read_text()
    file.unlink()
    airflow.script(EXECUTE, str(orders.root), JUNE, "extract.orders")
    assert runs() == [("orders by_hand", "failed", 0)]
    file.write_text(text)
    airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS[:2])
    assert runs() == [("orders by_hand", "running", 0)]
    assert "…" in orders.etl("status", "--to", "2024-06-25").stdout

    airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS[2:])
    assert runs() == [("orders by_hand", "published", 2)]


def test_a_run_with_a_parameter_restates_its_interval(airflow: Airflow, orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text().replace("orders/*.csv", "orders/{{ interval.date }}*.csv")
    file.write_text(text.replace("table: totals", "table: totals, rows_of: interval"))
    text = (orders.root / "lake/orders/1.csv").read_text()
    for number in (25, 26):
        orders.write(f"lake/orders/2024-06-{number}.csv", text.replace("bob", f"bob{number}"))
    names = "SELECT customer FROM totals ORDER BY 1"

    def run(number: int, **conf: bool) -> list[Any]:
        days = {"start": number, "end": number + 1}
        moments = {
            f"data_interval_{name}": f"2024-06-{day}T00:00:00+00:00" for name, day in days.items()
        }
        found = airflow.script(
            EXECUTE, str(orders.root), json.dumps(moments | {"conf": conf}), *STEPS
        )
        return [found[step][1] for step in STEPS]

    assert [step["state"] for step in run(25) + run(26)] == ["done"] * 10
    assert "holds the rows of a newer data interval" in str(run(25)[-1])
    again = run(25, restate=True)
    assert [step["state"] for step in again] == ["done"] * 5 and again[-1]["rows"] == 0
    assert orders.query(names) == [("ada",), ("bob26",)]
    assert run(25, replace_newer=True)[-1]["rows"] == 2
    assert orders.query(names) == [("ada",), ("bob25",)]


def test_a_run_gets_what_the_form_says(airflow: Airflow, orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(
        file.read_text().replace("sources:", "params: {least: {type: number}}\nsources:")
    )
    sql = orders.root / "sql_templates/orders/totals.sql"
    where = "FROM orders WHERE amount >= {{ params.least }}"
    sql.write_text(sql.read_text().replace("FROM orders", where))

    found = airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS[:1])
    assert "AirflowFailException" in found["extract.orders"][1]
    assert "E326 'least' has no value" in found["extract.orders"][1]
    given = json.dumps(json.loads(JUNE) | {"params": {"least": 20, "other": 1}})
    found = airflow.script(EXECUTE, str(orders.root), given, *STEPS)
    assert "20" in found["kpi.totals"][0]
    assert orders.query("SELECT customer FROM totals") == [("bob",)]


def test_the_sql_that_is_shown_is_that_of_the_interval(airflow: Airflow, orders: Folder) -> None:
    orders.write(
        "sql_templates/orders/totals.sql",
        "SELECT customer, COUNT(*) AS orders, SUM(amount) AS amount FROM orders\n"
        "WHERE ordered_at < {{ interval.end }} AND customer <> {{ '{{ no.template }}' }}\n"
        "GROUP BY customer",
    )
    found = airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS[:3])

    assert "2024-06-26" in found["kpi.totals"][0]
    assert found["kpi.totals"][1]["state"] == "done"


def test_who_is_told_of_a_warning(airflow: Airflow, orders: Folder) -> None:
    text = (orders.root / "pipelines/orders.yml").read_text()
    check = (
        "    checks:\n      - {type: accepted_range, column: orders, max: 1, severity: warning}\n"
    )
    orders.write("pipelines/orders.yml", text + check)
    with posts() as (url, posted):
        env = {"AIRFLOW_CONN_HOOK": json.dumps({"conn_type": "http", "host": url})}
        airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS, env=env)

    ((path, told),) = posted
    assert (path, told["event"], told["step"]) == ("/told", "warning", "check.totals")
    assert told["text"].splitlines() == [
        "orders: 1 checks of check.totals warn",
        "accepted_range orders of totals: 1 of 2 rows",
    ]


@pytest.mark.parametrize(
    ("context", "day"),
    [
        pytest.param('{"logical_date": "2024-07-02T10:00:00+00:00"}', "2024-07-01", id="by hand"),
        pytest.param(
            '{"data_interval_start": "2024-07-02T10:00:00+00:00",'
            ' "data_interval_end": "2024-07-02T10:00:00+00:00",'
            ' "logical_date": "2024-07-02T10:00:00+00:00"}', "2024-07-01", id="without length",
        ),
    ],
)  # fmt: skip
def test_a_run_without_an_interval_has_the_latest(
    airflow: Airflow, orders: Folder, context: str, day: str
) -> None:
    airflow.script(EXECUTE, str(orders.root), context, *STEPS)

    ((start,),) = orders.query("SELECT interval_start FROM etl_ledger")
    assert str(start).startswith(day)


def test_what_is_wrong_with_rows_is_not_tried_again(airflow: Airflow, orders: Folder) -> None:
    text = (orders.root / "pipelines/orders.yml").read_text()
    orders.write(
        "pipelines/orders.yml",
        text + "    checks:\n      - {type: accepted_range, column: orders, max: 1}\n",
    )
    (orders.root / "lake/orders/1.csv").write_text("order_id;customer\n")

    found = airflow.script(EXECUTE, str(orders.root), JUNE, "extract.orders")
    error = found["extract.orders"][1]
    assert error.startswith("AirflowFailException: ")
    assert "orders/1.csv:1:1" in error

    (orders.root / "lake/orders/1.csv").write_text(
        "order_id,customer,amount,ordered_at\n1,a,1,2024-06-25\n2,a,1,2024-06-25\n"
    )
    found = airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS[:4])
    error = found["check.totals"][1]
    assert error.startswith("AirflowFailException: ")
    assert "accepted_range orders" in error


def test_a_connection_that_does_not_answer_is_tried_again(airflow: Airflow, orders: Folder) -> None:
    from_postgres(orders)
    env = {"TEST_RDS_URL": "postgresql://u:very-secret@127.0.0.1:1/d"}

    found = airflow.script(EXECUTE, str(orders.root), JUNE, "extract.orders", env=env)

    error = found["extract.orders"][1]
    assert error.startswith("AirflowException: ")
    assert "Connection refused" in error
    assert "very-secret" not in error


def test_aws_that_does_not_answer_is_named_by_its_connection(
    airflow: Airflow, orders: Folder, stack: Stack
) -> None:
    in_the_cluster(orders, "duckdb")
    env = {**stack.variables, "ETL_DEV_S3_URL": "http://127.0.0.1:1", "AWS_MAX_ATTEMPTS": "1"}

    found = airflow.script(EXECUTE, str(orders.root), JUNE, "extract.orders", env=env)

    error = found["extract.orders"][1]
    assert error.startswith("AirflowException: ")
    assert error.endswith("\n  connections: lake")
    assert env["AWS_SECRET_ACCESS_KEY"] not in error


def test_variables_and_connections_of_a_secrets_backend(
    airflow: Airflow, orders: Folder, stack: Stack
) -> None:
    """Secrets Manager, as MWAA is set up with it: the endpoint as a variable, the login too."""
    in_the_cluster(orders, "duckdb")
    file = orders.root / "environments.yml"
    text = file.read_text()
    names = {"redshift_endpoint": "HOST", "port": "PORT", "database": "DATABASE", "user": "USER",
             "password": "PASSWORD", "iam_arn": "ROLE"}  # fmt: skip
    for name, what in names.items():
        text = text.replace(f"env.ETL_DEV_REDSHIFT_{what} ", f"var.{name} ")
    lake = 'bucket: music-lake, endpoint_url: "{{ env.ETL_DEV_S3_URL }}"'
    assert lake in text
    file.write_text(text.replace(lake, 'bucket: "{{ var.s3_bucket }}", conn_id: aws_of_lake'))
    aws = {"endpoint_url": stack.variables["ETL_DEV_S3_URL"], "region_name": "eu-west-1"}
    client = boto3.client("secretsmanager", aws_access_key_id="x", aws_secret_access_key="x", **aws)
    secrets = {f"variables/{n}": stack.variables[f"ETL_DEV_REDSHIFT_{w}"] for n, w in names.items()}
    secrets["variables/s3_bucket"] = BUCKET
    secrets["connections/aws_of_lake"] = json.dumps(
        connections_of(stack.variables)["aws_default"], default=str
    )
    for name, value in secrets.items():
        client.create_secret(Name=f"{orders.root.name}/{name}", SecretString=value)
    stack.s3.upload_file(str(orders.root / "lake/orders/1.csv"), BUCKET, "orders/1.csv")
    backend = "airflow.providers.amazon.aws.secrets.secrets_manager.SecretsManagerBackend"
    kinds = {
        f"{kind}_prefix": f"{orders.root.name}/{kind}" for kind in ("variables", "connections")
    }
    env = {"AIRFLOW__SECRETS__BACKEND": backend, "AWS_ACCESS_KEY_ID": "x",
           "AWS_SECRET_ACCESS_KEY": "x", "AWS_DEFAULT_REGION": "eu-west-1",
           "AIRFLOW__SECRETS__BACKEND_KWARGS": json.dumps({**kinds, **aws}),
           "ETL_DEV_AUTHORITY": stack.variables["ETL_DEV_AUTHORITY"]}  # fmt: skip

    found = airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS, env=env)

    assert found["publish"][1]["rows"] == 2


def test_a_connection_that_airflow_does_not_know(airflow: Airflow, orders: Folder) -> None:
    file = orders.root / "environments.yml"
    file.write_text(file.read_text().replace('url: "{{ env.TEST_RDS_URL }}"', "conn_id: nowhere"))
    from_postgres(orders)

    found = airflow.script(EXECUTE, str(orders.root), JUNE, "extract.orders")

    error = found["extract.orders"][1]
    assert error.startswith("AirflowFailException: ")
    assert "there is no connection 'nowhere'" in error
    assert "hint: make it in Airflow" in error
    assert error.endswith("\n  connections: rds (nowhere)")


def wrong_role(orders: Folder, stack: Stack) -> dict[str, str]:
    return {"ETL_DEV_REDSHIFT_ROLE": "arn:aws:iam::1:role/another"}


def refused_bucket(orders: Folder, stack: Stack) -> dict[str, str]:
    file = orders.root / "environments.yml"
    file.write_text(file.read_text().replace("bucket: music-lake", "bucket: of-somebody-else"))
    return {}


def no_table(orders: Folder, stack: Stack) -> dict[str, str]:
    from_postgres(orders)
    return {"TEST_RDS_URL": stack.variables["ETL_DEV_RDS_URL"]}


@pytest.mark.parametrize(
    ("mistake", "says"),
    [
        pytest.param(wrong_role, "is not associated to cluster\n  hint: attach it", id="role"),
        pytest.param(refused_bucket, "NoSuchBucket\n  hint: check the bucket's name", id="bucket"),
        pytest.param(
            no_table, "there is no table 'orders' in connection 'rds'\n  hint: check", id="table"
        ),
    ],
)
def test_what_aws_refuses_is_one_error_with_a_hint(
    airflow: Airflow,
    orders: Folder,
    stack: Stack,
    mistake: Callable[[Folder, Stack], dict[str, str]],
    says: str,
) -> None:
    in_the_cluster(orders, "duckdb")
    stack.s3.upload_file(str(orders.root / "lake/orders/1.csv"), BUCKET, "orders/1.csv")
    env = {**stack.variables, **mistake(orders, stack)}

    found = airflow.script(EXECUTE, str(orders.root), JUNE, *STEPS, env=env)

    errors = [found[step][1] for step in STEPS if isinstance(found[step][1], str)]
    assert errors[0].startswith("AirflowFailException: ")
    assert says in errors[0]


@pytest.fixture
def nobody(stack: Stack) -> Iterator[dict[str, str]]:
    """Keys of an IAM user without any right, while the stand-in asks for rights."""
    client = {"region_name": "eu-west-1", "endpoint_url": stack.variables["ETL_DEV_S3_URL"]}
    iam = boto3.client("iam", aws_access_key_id="x", aws_secret_access_key="x", **client)
    iam.create_user(UserName="nobody")
    key = iam.create_access_key(UserName="nobody")["AccessKey"]

    def allow(calls: str) -> None:
        url = f"{stack.variables['ETL_DEV_S3_URL']}/moto-api/reset-auth"
        plain = {"Content-Type": "text/plain"}
        urllib.request.urlopen(urllib.request.Request(url, calls.encode(), plain)).close()

    allow("0")
    yield {
        "AWS_ACCESS_KEY_ID": key["AccessKeyId"],
        "AWS_SECRET_ACCESS_KEY": key["SecretAccessKey"],
    }
    allow("inf")


def test_s3_forbids(airflow: Airflow, orders: Folder, stack: Stack, nobody: dict[str, str]) -> None:
    in_the_cluster(orders, "duckdb")

    found = airflow.script(
        EXECUTE, str(orders.root), JUNE, "extract.orders", env={**stack.variables, **nobody}
    )

    error = found["extract.orders"][1]
    assert error.startswith("AirflowFailException: ")
    assert "AccessDenied" in error
    assert "hint: " in error
    assert nobody["AWS_SECRET_ACCESS_KEY"] not in error


# As EXECUTE, but gives what tasks log.
LOGGED = EXECUTE.replace("    operator.render_template", """\
    said = found.setdefault("said", [])
    def tell(text, *values):
        said.append(text % values)
    type(operator).log = SimpleNamespace(info=tell, warning=tell)
    operator.render_template""")  # fmt: skip


def test_a_file_that_has_changed_is_told_with_its_restate(airflow: Airflow, orders: Folder) -> None:
    """Airflow runs no other data interval by itself, as `etl run` does."""
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text().replace("path: orders/*.csv", "path: orders/*.csv\n    new_files: true")
    file.write_text(text.replace("table: totals}", "table: totals, strategy: append}"))
    header = "order_id,customer,amount,ordered_at\n"
    airflow.script(LOGGED, str(orders.root), JUNE, *STEPS)
    orders.write("lake/orders/1.csv", f"{header}1,ada,7.00,2024-06-25 08:00:00\n")
    orders.write("lake/orders/2.csv", f"{header}2,eve,1.00,2024-06-26 08:00:00\n")

    said = airflow.script(
        LOGGED, str(orders.root), JUNE.replace("-26T", "-27T").replace("-25T", "-26T"), *STEPS
    )

    assert (
        "[2024-06-25 00:00, 2024-06-26 00:00) of 'orders' has another 'orders/1.csv' than was "
        "published: etl restate orders --from 2024-06-25 --to 2024-06-25"
    ) in said["said"]
