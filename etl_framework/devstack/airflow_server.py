"""A complete Airflow on the loopback: scheduler, DAG processor, triggerer, web server, metadata."""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from etl_framework.connections.embedded import database_of, start
from etl_framework.devstack.airflow_settings import (
    HOST,
    connections_of,
    settings,
    trust,
    variables_of,
)
from etl_framework.devstack.leash import Leash
from etl_framework.errors import MissingExtraError, StepError

SECONDS = 180
USER = "admin"


def processes(major: int, port: str) -> dict[str, tuple[str, ...]]:
    """The processes of an Airflow with their arguments; none listens beyond the loopback.

    Servers of logs listen on all addresses, and no setting changes that. Nobody needs them here:
    all processes have one folder of logs.
    """
    web, without_logs = ("-H", HOST, "--port", port), ("--skip-serve-logs",)
    of_both: dict[str, tuple[str, ...]] = {"scheduler": without_logs, "triggerer": without_logs}
    if major == 2:
        return {"webserver": web, **of_both}
    return {"api-server": web, **of_both, "dag-processor": ()}


class AirflowServer:
    """The processes of an Airflow; they end when this process ends.

    :param root: the project's folder, with `dags/`.
    :param folder: for Airflow's own files and logs.
    :param stack: the environment variables of the stand-in for AWS.
    :param more: further environment variables.
    """

    def __init__(
        self, root: Path, folder: Path, stack: Mapping[str, str], more: Mapping[str, str]
    ) -> None:
        try:
            self.version = version("apache-airflow")
        except PackageNotFoundError as error:
            raise MissingExtraError("apache-airflow", "airflow") from error
        self.major = int(self.version.partition(".")[0])
        self._root, self._folder, self._stack = root, folder, stack
        self._exit = ExitStack()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._leash: Leash | None = None
        self.password = secrets.token_urlsafe(12)
        self.metadata = ""
        port = _free_port()
        self.url = f"http://{HOST}:{port}"
        self.env = {**os.environ, **settings(root, folder, port), **trust(stack), **more}

    def start(self) -> None:
        """Start everything and return once the scheduler is healthy.

        :raises StepError: a process does not start.
        """
        self._folder.mkdir(parents=True, exist_ok=True)
        self._start_metadata()
        self.run("db", "migrate")
        self._import()
        if self.major == 2:
            self.run(
                "users",
                "create",
                "--username",
                USER,
                "--password",
                self.password,
                "--role",
                "Admin",
                "--firstname",
                "a",
                "--lastname",
                "b",
                "--email",
                "admin@example.com",
            )
        for name, arguments in processes(self.major, self.url.rpartition(":")[2]).items():
            self._spawn(name, *arguments)
        self._wait_for_health()

    def stop(self) -> None:
        """Stop every process; the metadata database stops last."""
        if self._leash:
            self._leash.let_go()
            for process in self._processes.values():
                process.wait()
            self._leash.wait()
        self._processes.clear()
        self._exit.close()

    def run(self, *arguments: str) -> str:
        """Run a command of Airflow's command line and return what it prints.

        :raises StepError: the command fails.
        """
        done = subprocess.run(
            [sys.executable, "-m", "airflow", *arguments],
            env=self.env,
            cwd=self._folder,
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
        if done.returncode:
            last = (done.stderr.strip() or done.stdout.strip()).splitlines()[-1:]
            raise StepError(f"airflow {' '.join(arguments[:2])}: {''.join(last)}")
        return done.stdout

    def _start_metadata(self) -> None:
        self._leash = Leash(self._folder / "metadata/postmaster.pid")
        url = start(self._folder / "metadata", ["airflow"], self._exit)
        self.metadata = database_of(url, "airflow")
        rest = self.metadata.partition("://")[2]
        self.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"] = f"postgresql+psycopg2://{rest}"
        self.env["AIRFLOW__DATABASE__SQL_ALCHEMY_CONN_ASYNC"] = f"postgresql+asyncpg://{rest}"

    def _import(self) -> None:
        """Import connections and variables under their names in production."""
        connections, variables = self._folder / "connections.json", self._folder / "variables.json"
        for file, entries_of in ((connections, connections_of), (variables, variables_of)):
            file.touch(mode=0o600)
            file.write_text(json.dumps(entries_of(self._stack)), encoding="utf-8")
        self.run("connections", "import", str(connections), "--overwrite")
        self.run("variables", "import", str(variables))
        connections.unlink()

    def _spawn(self, name: str, *arguments: str) -> None:
        with (self._folder / f"{name}.log").open("wb") as log:
            self._processes[name] = subprocess.Popen(
                [sys.executable, "-m", "airflow", name, *arguments],
                env=self.env,
                cwd=self._folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        if self._leash:
            self._leash.hold(self._processes[name].pid)

    def _wait_for_health(self) -> None:
        page = "health" if self.major == 2 else "api/v2/monitor/health"
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            for name, process in self._processes.items():
                if process.poll() is not None:
                    raise StepError(
                        f"Airflow's {name} ended", hint=f"see {self._folder / name}.log"
                    )
            try:
                with urllib.request.urlopen(f"{self.url}/{page}", timeout=5) as answer:
                    health = json.loads(answer.read())
                if health["scheduler"]["status"] == "healthy":
                    return
            except (OSError, urllib.error.URLError, ValueError, KeyError):
                pass
            time.sleep(0.5)
        raise StepError(f"Airflow is not up after {SECONDS} seconds", hint=f"see {self._folder}")


def _free_port() -> int:
    with socket.create_server((HOST, 0)) as listener:
        return int(listener.getsockname()[1])
