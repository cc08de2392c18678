"""A small project beside the stand-in, and what the doctor says of it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.doctor.base import Patient
from etl_framework.doctor.examine import examine
from etl_framework.errors import Diagnostic
from etl_framework.project.project import load_project
from tests.conftest import ROWS, Folder, in_the_cluster
from tests.iam.conftest import on

# A bucket that keeps versions is of no use to other tests afterwards.
LAKE = "clinic-lake"
CUSTOMERS = """
sources:
  customers:
    type: postgres
    connection: rds
    table: customers
    columns:
      - {name: id, type: integer, primary_key: true}
"""


def patient(folder: Folder) -> Patient:
    """The project in its default environment."""
    project = load_project(folder.root)
    return Patient(project, project.environment_name(None), project.environment(None))


def told(folder: Folder, seconds: float | None = None) -> list[Diagnostic]:
    """Everything the doctor finds."""
    return examine(patient(folder), seconds)


def codes(folder: Folder, seconds: float | None = None) -> list[tuple[str, str]]:
    """The codes, each with the connection or the file that it is about."""
    return [(each.code, each.message.partition(":")[0]) for each in told(folder, seconds)]


@pytest.fixture
def clinic(orders: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Iterator[Folder]:
    """Orders from S3 and customers from RDS into Redshift, where nothing at all is wrong."""
    in_the_cluster(orders)
    environments = orders.root / "environments.yml"
    environments.write_text(environments.read_text().replace("music-lake", LAKE))
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("\nsources:\n", CUSTOMERS, 1))
    monkeypatch.setenv("TEST_RDS_URL", stack.variables["ETL_DEV_RDS_URL"])
    on(stack.variables["ETL_DEV_RDS_URL"], "CREATE TABLE IF NOT EXISTS customers (id integer)")
    place = {"LocationConstraint": "eu-west-1"}
    with suppress(stack.s3.exceptions.BucketAlreadyOwnedByYou):
        stack.s3.create_bucket(Bucket=LAKE, CreateBucketConfiguration=place)
    versions(stack, "Enabled")
    stack.s3.put_object(Bucket=LAKE, Key="orders/1.csv", Body=ROWS.encode())
    yield orders
    on(stack.variables["ETL_DEV_RDS_URL"], "DROP TABLE customers")


def versions(stack: Stack, status: str) -> None:
    """Let the bucket keep what is overwritten, or not."""
    stack.s3.put_bucket_versioning(Bucket=LAKE, VersioningConfiguration={"Status": status})


@contextmanager
def answering(
    answer: Callable[[BaseHTTPRequestHandler, bytes], tuple[int, bytes]], date: str = ""
) -> Iterator[str]:
    """An HTTP server that answers so; its URL.

    :param date: what it says that the time is.
    """

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            status, text = answer(self, body)
            self.send_response(status)
            self.send_header("Content-Type", "text/xml")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        do_GET = do_POST

        def date_time_string(self, timestamp: float | None = None) -> str:
            return date or super().date_time_string(timestamp)

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()
