"""Airflow in processes of its own, as it parses and as it runs; none of it is imported here."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from etl_framework.devstack.airflow_settings import connections_of, trust
from etl_framework.devstack.stack import Stack
from tests.conftest import REPOSITORY, Folder
from tests.runs.conftest import music as music

if find_spec("airflow") is None:
    pytest.skip("Airflow is not installed", allow_module_level=True)

STUB = '''"""The DAG of pipelines/{name}.yml."""

from etl_framework.airflow import load_dag

load_dag("{name}", globals())
'''


class Airflow:
    """Scripts in processes that have imported Airflow, with a home of their own."""

    def __init__(self, home: Path) -> None:
        self._home = home
        settings = {
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "PYTHONPATH": str(REPOSITORY),
            "PYTHONWARNINGS": "ignore",
        }
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.airflow.forked"], cwd=REPOSITORY, text=True,
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, **settings},
        )  # fmt: skip

    def script(
        self, code: str, *arguments: str, env: dict[str, str] | None = None, fails: bool = False
    ) -> Any:
        """What a script prints last, which is JSON; of one that fails its standard error."""
        out, err = self._home / "out", self._home / "err"
        order = {"code": code, "arguments": arguments, "env": {**os.environ, **(env or {})},
                 "out": str(out), "err": str(err)}  # fmt: skip
        assert self._process.stdin and self._process.stdout
        print(json.dumps(order), file=self._process.stdin, flush=True)
        ended = int(self._process.stdout.readline())
        said = err.read_text(encoding="utf-8")
        if fails:
            assert ended, out.read_text(encoding="utf-8")
            return said
        assert ended == 0, said[-3000:]
        return json.loads(out.read_text(encoding="utf-8").strip().splitlines()[-1])

    def stop(self) -> None:
        """End it."""
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe:
                pipe.close()
        self._process.wait(10)


@pytest.fixture(scope="session")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Airflow]:
    found = Airflow(tmp_path_factory.mktemp("airflow"))
    yield found
    found.stop()


@contextmanager
def posts() -> Iterator[tuple[str, list[Any]]]:
    """A server that takes what is posted: its address, and the path and JSON of each post."""
    posted: list[Any] = []

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            posted.append((self.path, json.loads(body)))
            self.send_response(200)
            self.end_headers()
            self.wfile.write(b"ok")

        def log_message(self, format: str, *arguments: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}", posted
    server.shutdown()
    server.server_close()


def by_name(stack: Stack) -> dict[str, str]:
    """Airflow's connections to the stand-in, as environment variables."""
    known = connections_of(stack.variables)
    named = {f"AIRFLOW_CONN_{name.upper()}": json.dumps(found) for name, found in known.items()}
    return {**named, **trust(stack.variables)}


def write_stubs(folder: Folder, names: Sequence[str]) -> None:
    """A DAG file for each pipeline."""
    for name in names:
        folder.write(f"dags/{name}.py", STUB.format(name=name))


@pytest.fixture
def with_dags(orders: Folder) -> Folder:
    """A small project with its DAG file."""
    write_stubs(orders, ["orders"])
    return orders
