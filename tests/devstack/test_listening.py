"""Nothing of `etl dev` can be reached from another machine."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from etl_framework.devstack.airflow_server import processes
from etl_framework.devstack.airflow_settings import settings
from etl_framework.devstack.stack import Stack
from tests.devstack.listening import addresses, beyond_the_loopback


def test_the_stand_ins_listen_on_the_loopback_only(stack: Stack) -> None:
    ports = {port for _, port in addresses(os.getpid())}

    assert {int(stack.variables["ETL_DEV_REDSHIFT_PORT"])} <= ports
    assert len(ports) >= 4
    assert beyond_the_loopback(os.getpid()) == []


def test_a_socket_on_all_addresses_would_be_seen() -> None:
    with socket.create_server(("0.0.0.0", 0)) as open_to_all:
        port = open_to_all.getsockname()[1]
        assert ("0.0.0.0", port) in beyond_the_loopback(os.getpid())
    if socket.has_ipv6:
        with socket.create_server(("::", 0), family=socket.AF_INET6) as open_to_all:
            port = open_to_all.getsockname()[1]
            assert ("::", port) in beyond_the_loopback(os.getpid())


@pytest.mark.parametrize("major", [2, 3])
def test_airflows_processes_serve_no_logs(major: int, tmp_path: Path) -> None:
    """The whole Airflow is looked at in `tests/airflow/test_scheduler.py`, which takes minutes."""
    started = processes(major, "8080")

    assert [arguments for arguments in started.values() if "-H" in arguments] == [
        ("-H", "127.0.0.1", "--port", "8080")
    ]
    assert {name for name, arguments in started.items() if "--skip-serve-logs" in arguments} == {
        "scheduler", "triggerer",
    }  # fmt: skip
    urls = [value for value in settings(tmp_path, tmp_path, 8080).values() if "://" in value]
    assert [url for url in urls if not url.startswith("http://127.0.0.1:8080")] == []


@pytest.mark.slow
def test_this_airflow_knows_the_arguments() -> None:
    pytest.importorskip("airflow")
    code = (
        "from airflow.cli.cli_parser import get_parser; from sys import argv; "
        "print(get_parser().parse_args(argv[1:]).skip_serve_logs)"
    )
    for name in ("scheduler", "triggerer"):
        done = subprocess.run(
            [sys.executable, "-c", code, name, "--skip-serve-logs"],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.splitlines()[-1] == "True"
