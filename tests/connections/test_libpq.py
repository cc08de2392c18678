"""No wait on a network is without an end, and whatever waits can be stopped."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread
from typing import Any

import psycopg2
import pytest

from etl_framework.connections.libpq import session as libpq
from etl_framework.connections.postgres import Postgres, our_errors
from etl_framework.connections.redshift import Redshift
from etl_framework.connections.redshift.psycopg2 import Psycopg2Session
from etl_framework.devstack.stack import Stack
from etl_framework.errors import EtlError, RetryableError
from tests.connections.redshift.test_connection import REDSHIFT, WAYS
from tests.network import Relay

MARK = "SELECT 'the line is cut here'"


@pytest.fixture
def relay(server: str) -> Iterator[Relay]:
    """A relay before PostgreSQL, which falls silent when it hears the mark."""
    folder = server.partition("host=")[2]
    made = Relay(f"{folder}/.s.PGSQL.5432", until=b"the line is cut here")
    yield made
    made.close()


@pytest.fixture
def through(relay: Relay, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Postgres:
    """The connection through the relay; a statement may take a second."""
    monkeypatch.setenv("THROUGH", on_the_network(postgres, relay.port))
    return Postgres(type="postgres", url="{{ env.THROUGH }}", statement_timeout=1)


def on_the_network(url: str, port: int) -> str:
    """The URL of a database of the session's server, through a port of this machine."""
    name = url.partition("?")[0].rpartition("/")[2]
    return f"postgresql://postgres@127.0.0.1:{port}/{name}"


def run(connection: libpq.BoundedConnection, sql: str) -> Any:
    with our_errors(), connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall()


def test_a_network_that_falls_silent_ends_a_statement(through: Postgres, tmp_path: Path) -> None:
    connection = through.connect(tmp_path)
    assert run(connection, "SELECT 1") == [(1,)]

    with pytest.raises(RetryableError, match=r"within 1 seconds \(statement_timeout\)"):
        run(connection, MARK)
    connection.close()


def test_a_network_that_falls_silent_ends_a_copy(through: Postgres, tmp_path: Path) -> None:
    connection = through.connect(tmp_path)

    with (
        pytest.raises(RetryableError, match="statement_timeout"),
        our_errors(),
        connection.cursor() as cursor,
        (tmp_path / "rows").open("wb") as file,
    ):
        cursor.copy_expert(f"COPY ({MARK}) TO STDOUT", file)
    connection.close()


def test_a_statement_that_takes_too_long_ends_on_the_server(
    through: Postgres, tmp_path: Path
) -> None:
    connection = through.connect(tmp_path)

    with pytest.raises(RetryableError, match="canceling statement due to statement timeout"):
        run(connection, "SELECT pg_sleep(60)")
    connection.close()


def test_a_shorter_time_of_the_server_stays(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SHORT", f"{postgres}&options=-c%20statement_timeout%3D100")
    connection = Postgres(type="postgres", url="{{ env.SHORT }}").connect(tmp_path)

    assert run(connection, "SHOW statement_timeout") == [("100ms",)]
    connection.close()


def test_what_waits_for_a_silent_network_can_be_stopped(
    relay: Relay, through: Postgres, tmp_path: Path
) -> None:
    connection = through.model_copy(update={"statement_timeout": 3600}).connect(tmp_path)
    ended: list[BaseException] = []

    def wait() -> None:
        try:
            run(connection, MARK)
        except EtlError as error:
            ended.append(error)

    thread = Thread(target=wait, daemon=True)
    thread.start()
    assert relay.is_silent.wait(10)
    began = time.monotonic()
    connection.cancel()
    thread.join(10)

    assert [type(error) for error in ended] == [RetryableError]
    assert "cancelled" in str(ended[0])
    assert time.monotonic() - began < 2 * libpq.CANCEL_SECONDS
    connection.close()


def test_a_cancelled_statement_ends_on_the_server(
    postgres: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HERE", postgres)
    connection = Postgres(type="postgres", url="{{ env.HERE }}").connect(tmp_path)
    alive = "SELECT count(*) FROM pg_stat_activity WHERE pid = %s AND query LIKE '%%pg_sleep%%'"
    pid = connection.info.backend_pid
    watching = psycopg2.connect(postgres)
    watching.autocommit = True

    def until(count: int) -> None:
        end = time.monotonic() + 10
        with watching.cursor() as cursor:
            while True:
                cursor.execute(alive, (pid,))
                if cursor.fetchone() == (count,):
                    return
                assert time.monotonic() < end

    def wait() -> None:
        with suppress(EtlError):
            run(connection, "SELECT pg_sleep(60)")

    Thread(target=wait, daemon=True).start()
    until(1)
    connection.cancel()
    until(0)
    watching.close()


def test_a_server_that_never_answers_is_given_up(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        monkeypatch.setenv("SILENT", f"postgresql://me:pw@127.0.0.1:{port}/db")
        connection = Postgres(type="postgres", url="{{ env.SILENT }}", connect_timeout=1)

        with pytest.raises(RetryableError, match="timeout expired"):
            connection.connect(tmp_path)


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
def test_a_redshift_that_never_answers_is_given_up(
    stack: Stack, tmp_path: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        monkeypatch.setenv("ETL_DEV_REDSHIFT_PORT", str(silent.getsockname()[1]))
        way = Redshift(**{**REDSHIFT, "driver": driver, "connect_timeout": 1})

        with pytest.raises(RetryableError, match=r"tim"):
            way.open_session(tmp_path)


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
def test_a_silent_network_before_redshift_ends_a_statement(
    stack: Stack, tmp_path: Path, driver: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = ("localhost", int(stack.variables["ETL_DEV_REDSHIFT_PORT"]))
    relay = Relay(there)
    monkeypatch.setenv("ETL_DEV_REDSHIFT_PORT", str(relay.port))
    way = Redshift(**{**REDSHIFT, "driver": driver, "statement_timeout": 1})
    session = way.open_session(tmp_path)
    assert session.run("SELECT 1").rows == [(1,)]
    relay.is_silent.set()

    with pytest.raises(RetryableError, match=r"within 1 seconds \(statement_timeout\)"):
        session.run("SELECT 2")
    with suppress(EtlError):  # it is cut
        session.close()
    relay.close()


def test_a_statement_of_the_data_api_that_takes_too_long_is_cancelled(
    stack: Stack, tmp_path: Path
) -> None:
    way = Redshift(**{**WAYS["the Data API"], "statement_timeout": 1})
    session = way.open_session(tmp_path)
    session.run("CREATE TABLE t (k integer)")
    holding = Redshift(**REDSHIFT).open_session(tmp_path)
    holding.run("BEGIN")
    holding.run("LOCK t")

    with pytest.raises(RetryableError, match=r"within 1 seconds \(statement_timeout\)"):
        session.run("INSERT INTO t VALUES (1)")
    holding.run("ROLLBACK")
    holding.close()
    session.close()


def test_tcp_looks_whether_the_other_side_is_there(through: Postgres, tmp_path: Path) -> None:
    connection = through.model_copy(update={"network_timeout": 12}).connect(tmp_path)
    with socket.fromfd(connection.fileno(), socket.AF_INET, socket.SOCK_STREAM) as ours:
        assert ours.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE) == 1
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [ours.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [6, 2, 3]
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 12_000
    connection.close()


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
def test_tcp_looks_whether_redshift_is_there(stack: Stack, tmp_path: Path, driver: str) -> None:
    way = Redshift(**{**REDSHIFT, "driver": driver, "network_timeout": 12})
    session: Any = way.open_session(tmp_path)
    wire = session._connection
    number = wire.fileno() if isinstance(session, Psycopg2Session) else wire._usock.fileno()
    with socket.fromfd(number, socket.AF_INET, socket.SOCK_STREAM) as ours:
        options = (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL, socket.TCP_KEEPCNT)
        assert [ours.getsockopt(socket.IPPROTO_TCP, option) for option in options] == [6, 2, 3]
        assert ours.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 12_000
    session.close()
