"""The Redshift Data API and temporary passwords for IAM, over HTTP as boto3 calls them.

Source: the API references of Redshift Data, Redshift and Redshift Serverless.
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from etl_framework.devstack.data_statements import ApiError, Statements

if TYPE_CHECKING:
    from etl_framework.devstack.cluster import Cluster

Body = Mapping[str, Any]


class DataApi:
    """The HTTP server.

    :param cluster: where statements run, with the given user and password.
    """

    def __init__(self, cluster: Cluster, user: str, password: str) -> None:
        self._cluster, self._user, self._password = cluster, user, password
        self._server: ThreadingHTTPServer | None = None
        self.fault: Callable[[str], int] = lambda operation: 0

    def start(self) -> int:
        """Listen on a free port of the loopback and return the port."""
        statements = Statements(self._cluster.port, self._user, self._password)
        operations: dict[str, Callable[[Body], Body]] = {
            "RedshiftData.ExecuteStatement": statements.execute,
            "RedshiftData.BatchExecuteStatement": statements.batch,
            "RedshiftData.DescribeStatement": statements.describe,
            "RedshiftData.GetStatementResult": statements.result,
            "RedshiftData.CancelStatement": statements.cancel,
            "RedshiftData.ListStatements": statements.listed,
            "RedshiftServerless.GetCredentials": self._serverless_credentials,
        }
        api = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one request."""

            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                """Answer the request."""
                data = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                target = self.headers.get("X-Amz-Target", "")
                if api.fault(target):
                    self._answer(api.fault(target), "application/json", b"{}")
                elif target in operations:
                    self._json(operations[target], json.loads(data or b"{}"))
                else:
                    self._query(parse_qs(data.decode()))

            def _json(self, operation: Callable[[Body], Body], body: Body) -> None:
                try:
                    status, answer = 200, operation(body)
                except ApiError as error:
                    status, answer = 400, {"__type": error.kind, "message": str(error)}
                self._answer(
                    status, "application/x-amz-json-1.1", json.dumps(answer, default=str).encode()
                )

            def _query(self, form: Mapping[str, list[str]]) -> None:
                if form.get("Action") != ["GetClusterCredentials"]:
                    self._answer(400, "text/plain", b"not imitated")
                    return
                user, password = api.credentials(form["DbUser"][0])
                xml = (
                    '<GetClusterCredentialsResponse xmlns="http://redshift.amazonaws.com/doc/'
                    f'2012-12-01/"><GetClusterCredentialsResult><DbUser>{user}</DbUser>'
                    f"<DbPassword>{password}</DbPassword></GetClusterCredentialsResult>"
                    "</GetClusterCredentialsResponse>"
                )
                self._answer(200, "text/xml", xml.encode())

            def _answer(self, status: int, kind: str, body: bytes) -> None:
                self.send_response(status)
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Write no log."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def credentials(self, user: str) -> tuple[str, str]:
        """Return a temporary user and its password."""
        known = self._cluster.access.passwords
        temporary, password = f"IAM:{user}", secrets.token_urlsafe(16)
        known[temporary] = password
        return temporary, password

    def _serverless_credentials(self, body: Body) -> Body:
        user, password = self.credentials("role")
        return {"dbUser": user, "dbPassword": password}
