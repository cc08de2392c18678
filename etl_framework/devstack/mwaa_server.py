"""The control plane of Amazon MWAA over HTTP, as boto3 calls it.

Source: the service model of MWAA in botocore (2020-07-01); a test compares the answers with it.
"""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote

from etl_framework.devstack.mwaa_environment import REGION, ApiError, StandIn

Body = dict[str, Any]
NAME, AIRFLOW = "music-dev", "3.3.1"
# Its clock is ahead by the time that MWAA takes to copy objects to Airflow: nobody has to wait.
AHEAD = 60
_ROUTES = {
    "get_environment": ("GET", re.compile(r"/environments/([^/]+)")),
    "update_environment": ("PATCH", re.compile(r"/environments/([^/]+)")),
    "invoke_rest_api": ("POST", re.compile(r"/restapi/([^/]+)")),
}


class MwaaServer:
    """The HTTP server and its environments."""

    def __init__(self) -> None:
        self.environments: dict[str, StandIn] = {}
        # Takes an operation's name; returns the code of the error to answer with, or nothing.
        self.fault: Callable[[str], str] = lambda operation: ""
        self.calls: list[str] = []
        self._server: ThreadingHTTPServer | None = None

    def start(self) -> int:
        """Listen on a free port of the loopback and return the port."""
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return int(self._server.server_address[1])

    def stop(self) -> None:
        """Stop listening."""
        if self._server:
            self._server.shutdown()
            self._server.server_close()

    def answer(self, method: str, path: str, body: Body) -> tuple[int, Mapping[str, str], Body]:
        """Return status, headers and body of the answer to a request."""
        for operation, (verb, pattern) in _ROUTES.items():
            matched = pattern.fullmatch(path)
            if matched and verb == method:
                self.calls.append(operation)
                try:
                    return 200, {}, self._do(operation, unquote(matched[1]), body)
                except ApiError as error:
                    told = {"message": str(error), **error.more}
                    return error.status, {"x-amzn-ErrorType": error.kind}, told
        return 404, {"x-amzn-ErrorType": "UnknownOperationException"}, {"message": path}

    def _do(self, operation: str, name: str, body: Body) -> Body:
        if code := self.fault(operation):
            raise ApiError(code, "not now", 403 if code == "AccessDeniedException" else 400)
        environment = self.environments.get(name)
        if environment is None:
            raise ApiError("ResourceNotFoundException", f"Environment {name} not found", 404)
        done: Body = getattr(environment, operation)(body)
        return done

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        plane = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one request."""

            protocol_version = "HTTP/1.1"

            def _answer(self) -> None:
                data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                path = self.path.partition("?")[0]
                if not path.strip("/"):  # a call of STS: a form, and no path
                    self._send(403, {"Content-Type": "text/xml"}, _DENIED)
                    return
                status, headers, told = plane.answer(self.command, path, json.loads(data or b"{}"))
                text = json.dumps(told).encode()
                self._send(status, {"Content-Type": "application/json", **headers}, text)

            do_GET = do_PATCH = do_POST = _answer

            def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Write no log."""

        return Handler


def start_mwaa(until: ExitStack, moto: str, s3: Any) -> dict[str, str]:
    """Start the server with one environment and its bucket; return the variables for boto3.

    :param until: when it is closed, the server stops.
    :param moto: the URL of the server that has S3, CloudWatch Logs and STS.
    """
    import boto3

    keys = {"aws_access_key_id": "etl-dev", "aws_secret_access_key": "etl-dev"}
    logs = boto3.client("logs", endpoint_url=moto, region_name=REGION, **keys)
    bucket = f"{NAME}-airflow"
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
    s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    plane = MwaaServer()
    plane.environments[NAME] = StandIn(NAME, AIRFLOW, bucket, s3, logs, polls=1, ahead=AHEAD)
    url = f"http://127.0.0.1:{plane.start()}"
    until.callback(plane.stop)
    return {
        "AWS_ENDPOINT_URL_MWAA": url,
        "AWS_ENDPOINT_URL_S3": moto,
        "AWS_ENDPOINT_URL_CLOUDWATCH_LOGS": moto,
        "AWS_ENDPOINT_URL_STS": moto,
        "AWS_DISABLE_HOST_PREFIX_INJECTION": "true",
    }


_DENIED = (
    b'<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type>'
    b"<Code>AccessDenied</Code><Message>Not authorized to perform "
    b"sts:AssumeRoleWithWebIdentity</Message></Error></ErrorResponse>"
)
