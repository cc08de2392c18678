"""Ctrl-C ends a command within seconds, although the network has fallen silent."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator

import pytest

from etl_framework.cli import fuse
from tests.conftest import Folder
from tests.connections.test_libpq import on_the_network
from tests.network import Relay
from tests.runs.processes import end_all, ended, start, until
from tests.sources.postgres.test_source import execute

pytestmark = pytest.mark.slow

PIPELINE = """
name: p
sources:
  t:
    type: postgres
    connection: rds
    table: t
    columns: [{name: k, type: integer}]
kpis:
  result:
    sql: result.sql
    target: {connection: base, table: result}
    columns: [{name: k, type: integer}]
"""


@pytest.fixture
def project(folder: Folder, postgres: str) -> Iterator[Folder]:
    file = folder.root / "environments.yml"
    base = '      base: {type: postgres, url: "{{ env.BASE_URL }}"}\n'
    file.write_text(file.read_text().rstrip() + f"\n{base}")
    folder.write("pipelines/p.yml", PIPELINE)
    folder.write("sql_templates/result.sql", "SELECT k FROM t")
    execute(postgres, "CREATE TABLE t AS SELECT 1 AS k; CREATE TABLE result AS SELECT 1 AS k")
    yield folder
    end_all()


@pytest.mark.parametrize(
    ("command", "mark"),
    [
        pytest.param(("run", "p", "--date", "2024-06-25"), b"COPY (", id="a run that reads"),
        pytest.param(
            ("run", "p", "--date", "2024-06-25"), b"FROM STDIN", id="a run that publishes"
        ),
        pytest.param(("show", "result"), b'"result"', id="a command that waits by itself"),
    ],
)
def test_ctrl_c_ends_what_waits_for_a_silent_network(
    project: Folder, postgres: str, server: str, command: tuple[str, ...], mark: bytes
) -> None:
    relay = Relay(f"{server.partition('host=')[2]}/.s.PGSQL.5432", until=mark)
    url = on_the_network(postgres, relay.port)
    process = start(project.root, *command, TEST_RDS_URL=url, BASE_URL=url)
    until(relay.is_silent.is_set, process)
    began = time.monotonic()
    process.send_signal(signal.SIGINT)
    code, told = ended(process, seconds=20)
    relay.close()

    assert code == fuse.STOPPED, told
    assert time.monotonic() - began < fuse.SECONDS + 2
    assert told.count(fuse.TEXT) == 1
    assert "Traceback" not in told
