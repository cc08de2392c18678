"""Ways into Redshift: three drivers, passwords and IAM, a cluster and Serverless."""

from __future__ import annotations

import gc
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.redshift.session import Session, Statement
from etl_framework.devstack.stack import Stack
from etl_framework.errors import ConfigError, RetryableError, StepError
from tests.targets.places import REDSHIFT, Place, day

pytestmark = [
    pytest.mark.slow,
    # redshift_connector leaves the socket of a connection open that did not come about.
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]
AWS = {"endpoint_url": "{{ env.ETL_DEV_AWS_URL }}", "region": "eu-west-1"}
NO_PASSWORD = {name: value for name, value in REDSHIFT.items() if name != "password"}
DATA_API = {"type": "redshift", "driver": "data_api", "database": "dev", **AWS,
            "iam_role": "{{ env.ETL_DEV_REDSHIFT_ROLE }}"}  # fmt: skip
WAYS: dict[str, dict[str, Any]] = {
    "psycopg2": REDSHIFT,
    "psycopg2 with IAM": {**NO_PASSWORD, **AWS, "cluster": "etl"},
    "psycopg2 on Serverless": {**NO_PASSWORD, **AWS, "workgroup": "etl"},
    "redshift_connector": {**REDSHIFT, "driver": "redshift_connector"},
    "the Data API": {**DATA_API, "cluster": "etl", "user": "awsuser"},
    "the Data API on Serverless": {**DATA_API, "workgroup": "etl"},
}


@pytest.fixture(autouse=True)
def collected() -> Iterator[None]:
    """Let what redshift_connector leaves open be closed here, and not in a later test."""
    yield
    gc.collect()


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest, stack: Stack) -> Redshift:
    return Redshift(**WAYS[request.param])


@pytest.fixture
def session(way: Redshift, tmp_path: Path) -> Iterator[Session]:
    found = way.open_session(tmp_path)
    yield found
    found.close()


def test_values_go_in_and_come_out(session: Session) -> None:
    session.run(
        "CREATE TEMP TABLE t (n integer, s varchar(20), d date, at timestamp, m timestamptz)"
    )
    moment = datetime(2024, 6, 1, 10, tzinfo=UTC)
    session.run(
        "INSERT INTO t VALUES (?, ?, ?, ?, ?)",
        (7, "it's 100 % \\ ?", date(2024, 6, 1), datetime(2024, 6, 1, 10), moment),
    )

    found = session.run(
        "SELECT n, s, CAST(d AS VARCHAR), CAST(at AS VARCHAR), m = ? FROM t", (moment,)
    )
    assert found.rows == [(7, "it's 100 % \\ ?", "2024-06-01", "2024-06-01 10:00:00", True)]
    assert len(found.columns) == 5
    assert session.run("SELECT n FROM t WHERE FALSE").rows == []
    ((*values,),) = session.run(
        "SELECT d, at, m, n, CAST(n AS DECIMAL(9, 2)) / 2, n > 6, CAST(0.5 AS FLOAT8), "
        "NULL::date, s FROM t"
    ).rows
    expected = [
        date(2024, 6, 1), datetime(2024, 6, 1, 10), moment, 7, Decimal("3.5"), True, 0.5, None,
        "it's 100 % \\ ?",
    ]  # fmt: skip
    assert values == expected
    assert list(map(type, values)) == list(map(type, expected))
    assert session.run("DELETE FROM t WHERE n = ?", (7,)).rows == []


def together(session: Session, statements: Sequence[Statement]) -> list[int]:
    """Run statements in one transaction; how many rows each has changed."""
    if not session.interactive:
        return session.batch(statements)
    session.run("BEGIN")
    try:
        changed = [session.run(*statement).changed for statement in statements]
    except StepError:
        session.run("ROLLBACK")
        raise
    session.run("COMMIT")
    return changed


def test_a_transaction_is_all_or_nothing(session: Session) -> None:
    session.run("CREATE TABLE t (n integer)")
    inserts = [("INSERT INTO t VALUES (?)", (1,)), ("INSERT INTO t VALUES (?), (?)", (2, 3))]
    assert together(session, [("LOCK t", ()), *inserts])[1:] == [1, 2]
    with pytest.raises(StepError, match="zero"):
        together(session, [("DELETE FROM t", ()), ("SELECT 1 / 0", ())])

    found = session.run("SELECT COUNT(*) FROM t")
    assert [int(n) for (n,) in found.rows] == [3]


def test_a_refusal_names_what_is_wrong(session: Session) -> None:
    with pytest.raises(StepError, match="nowhere") as caught:
        session.run("SELECT * FROM nowhere")
    assert not isinstance(caught.value, RetryableError)


def test_a_conflict_may_be_tried_again(session: Session, stack: Stack) -> None:
    from etl_framework.devstack.wire import WireError

    def fault(sql: str) -> bool:
        if "conflicting" in sql:
            raise WireError("1023 DETAIL: Serializable isolation violation on table - 1", "XX000")
        return False

    assert stack.cluster
    stack.cluster.fault = fault
    try:
        with pytest.raises(RetryableError, match="1023"):
            session.run("SELECT 1 AS conflicting")
    finally:
        stack.cluster.fault = lambda sql: False


CANCELLED = """
import sys, threading
from pathlib import Path
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import StepError
session = Redshift.model_validate_json(sys.argv[1]).open_session(Path())
threading.Timer(0.3, session.cancel).start()
try:
    session.run("SELECT pg_sleep(30)")
except StepError:
    print("cancelled")
"""


def test_what_runs_can_be_cancelled(way: Redshift) -> None:
    """In a process of its own: psycopg2 cancels without letting other threads run."""
    command = [sys.executable, "-c", CANCELLED, way.model_dump_json()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)

    assert done.stdout == "cancelled\n", done.stderr


@pytest.mark.parametrize("strategy", ["append", "replace", "merge", "delete+insert"])
def test_publish(way: Redshift, tmp_path: Path, strategy: str) -> None:
    place = Place("redshift", "", tmp_path, way)
    keys: dict[str, Any] = {
        "merge": {"unique_key": ["id"]}, "delete+insert": {"incremental_key": "day"},
    }.get(strategy, {})  # fmt: skip
    at = datetime(2024, 6, 1, 8)
    load = place.load("t", strategy, [(1, at, "a"), (2, at, "it's")], **keys)

    for _ in range(2):
        place.publish(day(1), load)

    assert [tuple(map(str, row)) for row in place.rows("SELECT id, note FROM t ORDER BY id")] == [
        ("1", "a"), ("2", "it's"),
    ]  # fmt: skip


def test_decimals_are_exact(way: Redshift, tmp_path: Path) -> None:
    place = Place("redshift", "", tmp_path, way)
    value = Decimal("1234567890123456789012345678.0123456789")
    place.publish(day(1), place.load("t", "replace", [(value,)], {"v": "decimal(38,10)"}))

    ((found,),) = place.rows("SELECT v FROM t")
    assert Decimal(str(found)) == value


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
def test_a_wrong_password_is_told_without_it(stack: Stack, tmp_path: Path, driver: str,
                                             monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setenv("ETL_DEV_REDSHIFT_PASSWORD", "wrong-and-secret")
    with pytest.raises(RetryableError) as caught:
        Redshift(**{**REDSHIFT, "driver": driver}).open_session(tmp_path)
    assert "wrong-and-secret" not in str(caught.value)
    assert "password" in str(caught.value)


@pytest.mark.parametrize("driver", ["psycopg2", "redshift_connector"])
def test_a_certificate_of_somebody_else_is_refused(
    stack: Stack, tmp_path: Path, driver: str
) -> None:
    """Amazon's authorities, which are the default, did not sign the stand-in's certificate."""
    settings = {name: value for name, value in REDSHIFT.items() if name != "ssl_root_cert"}
    with pytest.raises(ConfigError, match="certificate verify failed"):
        Redshift(**{**settings, "driver": driver}).open_session(tmp_path)


def test_more_statements_than_a_batch_of_the_data_api_holds(stack: Stack, tmp_path: Path) -> None:
    session = Redshift(**WAYS["the Data API"]).open_session(tmp_path)
    with pytest.raises(StepError, match="40 statements, and this run needs 41"):
        session.batch([("SELECT 1", ())] * 41)
    session.batch([("SELECT 1", ())] * 40)
    session.close()


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        pytest.param({"host": "h", "user": "u", "password": "x"}, "never written here",
                     id="a password in the file"),
        pytest.param({"driver": "data_api"}, "either 'cluster' or 'workgroup'", id="no cluster"),
        pytest.param({"user": "u", "cluster": "c"}, "needs 'host'", id="no host"),
        pytest.param({"host": "h", "user": "u"}, "give 'password', or for IAM",
                     id="no way in"),
        pytest.param({"host": "h", "cluster": "c"}, "give 'user'", id="no user"),
    ],
)  # fmt: skip
def test_a_connection_that_cannot_be(settings: dict[str, str], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        Redshift(type="redshift", database="d", **settings)


def test_a_session_of_the_data_api_ends_with_its_client(stack: Stack, tmp_path: Path) -> None:
    """An account has 500 of them, and one that is not ended stays for an hour."""
    way = Redshift(**WAYS["the Data API"])
    with closing(way.open_session(tmp_path)) as watcher:
        counted = "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = 'dev'"
        before = watcher.run(counted).rows[0][0]
        for _ in range(3):
            with closing(way.open_session(tmp_path)) as session:
                session.run("CREATE TEMP TABLE t (n integer)")
                assert session.run("SELECT COUNT(*) FROM t").rows == [(0,)], "it is one session"
        end = time.monotonic() + 20
        while (now := watcher.run(counted).rows[0][0]) > before and time.monotonic() < end:
            pass
        assert now == before
