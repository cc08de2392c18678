"""Notices by the providers' own notifiers, to servers that are really there."""

from __future__ import annotations

import json
import socketserver
import threading
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml

from etl_framework.devstack.stack import Stack
from tests.airflow.conftest import Airflow, posts
from tests.conftest import Folder

pytestmark = pytest.mark.slow
NOTIFY = """
import json, logging, sys
from datetime import datetime
from types import SimpleNamespace
from airflow import DAG
from etl_framework.airflow.notify import notify
logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
logs = []
handler = logging.Handler()
handler.emit = lambda record: logs.append(record.getMessage())
logging.getLogger("etl_framework").addHandler(handler)
context = {
    "dag": DAG("orders"),
    "ti": SimpleNamespace(dag_id="orders", task_id="check.orders"),
    "exception": RuntimeError("password=very-secret was refused"),
    "data_interval_start": datetime(2024, 6, 25), "data_interval_end": datetime(2024, 6, 26),
}
notify(context, event=sys.argv[2], channels=json.loads(sys.argv[1]))
print(json.dumps(logs))
"""
TEXT = (
    "orders failed at check.orders, data interval [2024-06-25 00:00, 2024-06-26 00:00)\n"
    "password=*** was refused"
)


@pytest.fixture
def web() -> Iterator[tuple[str, list[Any]]]:
    with posts() as found:
        yield found


@pytest.fixture
def mail() -> Iterator[tuple[int, list[str]]]:
    """A mail server that takes every message."""
    messages: list[str] = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            self.wfile.write(b"220 here\r\n")
            while line := self.rfile.readline():
                word = line.split()[0].upper()
                if word == b"DATA":
                    self.wfile.write(b"354 go on\r\n")
                    lines = iter(self.rfile.readline, b".\r\n")
                    messages.append(b"".join(lines).decode())
                self.wfile.write(b"221 bye\r\n" if word == b"QUIT" else b"250 ok\r\n")

    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server.server_address[1], messages
        server.shutdown()


def send(
    airflow: Airflow, channel: dict[str, Any], event: str = "failure", **env: str
) -> list[str]:
    """Notify by one channel; what was logged."""
    found: list[str] = airflow.script(NOTIFY, json.dumps([channel]), event, env=env)
    return found


def test_a_webhook(airflow: Airflow, web: tuple[str, list[Any]]) -> None:
    channel = {"type": "webhook", "conn_id": "hook", "endpoint": "/told", "events": ["failure"]}
    env = {"AIRFLOW_CONN_HOOK": json.dumps({"conn_type": "http", "host": web[0]})}

    assert send(airflow, channel, **env) == []
    assert send(airflow, channel, "success", **env) == [], "it is not told of this"
    facts = {"pipeline": "orders", "step": "check.orders", "event": "failure", "text": TEXT}
    assert web[1] == [("/told", facts)]


LATE = """
import asyncio, json, sys
from etl_framework.airflow.notify import late, missed
from datetime import datetime
from types import SimpleNamespace
settings = json.loads(sys.argv[1])
context = {"dag_run": {"dag_id": "orders", "run_id": "scheduled__2024-06-25"}}
asyncio.run(late(**settings, context=context))
sla = SimpleNamespace(execution_date=datetime(2024, 6, 25))
missed(SimpleNamespace(dag_id="orders"), "", "", [sla], **settings)
print("[]")
"""


def test_who_is_late_and_where_to_look(
    airflow: Airflow, orders: Folder, web: tuple[str, list[Any]]
) -> None:
    text = (orders.root / "pipelines/orders.yml").read_text()
    hook = "notify: [{type: webhook, conn_id: hook, endpoint: /told, events: [late]}]"
    orders.write("pipelines/orders.yml", f"deadline: 2h\n{hook}\n{text}")
    file = orders.root / "environments.yml"
    wherever = "    report_url: https://reports.example.com/etl/\n    connections:"
    file.write_text(file.read_text().replace("    connections:", wherever, 1))
    dag = yaml.safe_load(orders.etl("compile", "orders").stdout)["orders"]
    env = {"AIRFLOW_CONN_HOOK": json.dumps({"conn_type": "http", "host": web[0]})}

    airflow.script(LATE, json.dumps(dag["deadline"]), env=env)
    page = "https://reports.example.com/etl/index.html#pipeline-orders"
    runs = ["scheduled__2024-06-25", "the run of 2024-06-25 00:00"]
    assert web[1] == [
        ("/told", {"pipeline": "orders", "step": "", "report": page, "event": "late",
                   "text": f"orders is late: {run} was not done after 2:00:00\n{page}"})
        for run in runs
    ]  # fmt: skip


def test_slack(airflow: Airflow, web: tuple[str, list[Any]]) -> None:
    channel = {"type": "slack", "conn_id": "slack", "events": ["failure"]}
    env = {"AIRFLOW_CONN_SLACK": json.dumps(
        {"conn_type": "slackwebhook", "host": web[0], "password": "/T0/B0/x"})}  # fmt: skip

    assert send(airflow, channel, **env) == []
    ((path, body),) = web[1]
    assert (path, body["text"]) == ("/T0/B0/x", TEXT)


def test_an_e_mail(airflow: Airflow, mail: tuple[int, list[str]]) -> None:
    channel = {"type": "email", "conn_id": "smtp", "to": ["a@example.com"], "events": ["failure"]}
    extra = {"from_email": "etl@example.com", "disable_ssl": True, "disable_tls": True}
    env = {"AIRFLOW_CONN_SMTP": json.dumps(
        {"conn_type": "smtp", "host": "127.0.0.1", "port": mail[0], "extra": extra})}  # fmt: skip

    assert send(airflow, channel, **env) == []
    (message,) = mail[1]
    assert "To: a@example.com" in message
    assert "Subject: orders failed at check.orders" in message


def test_a_topic(airflow: Airflow, stack: Stack) -> None:
    aws = {"endpoint_url": stack.variables["ETL_DEV_S3_URL"], "region_name": "eu-west-1",
           "aws_access_key_id": "x", "aws_secret_access_key": "x"}  # fmt: skip
    sns, sqs = boto3.client("sns", **aws), boto3.client("sqs", **aws)
    topic = sns.create_topic(Name="told")["TopicArn"]
    queue = sqs.create_queue(QueueName="told")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["QueueArn"])
    channel = {"type": "sns", "conn_id": "aws", "topic": topic, "events": ["failure"]}
    env = {"AIRFLOW_CONN_AWS": json.dumps({
        "conn_type": "aws", "login": "x", "password": "x",
        "extra": {"region_name": "eu-west-1", "endpoint_url": aws["endpoint_url"]}})}  # fmt: skip

    assert send(airflow, channel, **env) == []
    (message,) = sqs.receive_message(QueueUrl=queue)["Messages"]
    told = json.loads(message["Body"])["Message"]
    # Older providers send a text for each protocol, of which only SNS itself takes one.
    assert (json.loads(told)["default"] if told.startswith("{") else told) == TEXT


def test_what_cannot_be_sent_is_logged_and_hides_nothing(airflow: Airflow) -> None:
    channel = {"type": "webhook", "conn_id": "hook", "endpoint": "", "events": ["failure"]}
    env = {"AIRFLOW_CONN_HOOK": json.dumps({"conn_type": "http", "host": "http://127.0.0.1:1"})}

    (said,) = send(airflow, channel, **env)
    assert said.startswith("cannot notify by webhook, connection 'hook': ")


def test_the_file_says_who_is_told_of_what(orders: Folder) -> None:
    text = (orders.root / "pipelines/orders.yml").read_text()
    orders.write(
        "pipelines/orders.yml",
        "notify:\n  - {type: webhook, conn_id: hook, events: [failure, success, warning]}\n"
        "  - {type: slack}\n" + text,
    )
    dag = yaml.safe_load(orders.etl("compile", "orders").stdout)["orders"]
    tasks = {task["task_id"]: task for task in dag["tasks"]}
    failure = dag["default_args"]["on_failure_callback"]
    assert [channel["type"] for channel in failure["channels"]] == ["webhook", "slack"]
    success = tasks["publish"]["on_success_callback"]
    assert [channel["type"] for channel in success["channels"]] == ["webhook"]
    assert [channel["type"] for channel in tasks["check.orders"]["notify"]] == ["webhook"]

    wrong = text.replace("name: orders\n", "name: orders\nnotify: [{type: slak}]\n", 1)
    orders.write("pipelines/orders.yml", wrong)
    assert "slak" in orders.etl("lint").stdout
