"""With exactly the grants a run passes, on a real PostgreSQL; a neighbour table stays closed."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import psycopg2.errors
import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.errors import EtlError
from etl_framework.iam.grants import Grants
from etl_framework.iam.rights import Wanted
from etl_framework.plan.ddl import target_tables
from etl_framework.project.project import load_project
from etl_framework.run.run import Run
from tests.conftest import Folder
from tests.iam.conftest import SCHEMA, on, rights

pytestmark = pytest.mark.slow
ROLE, DENIED = "etl_least", "permission denied"
ENVIRONMENTS = """
    default: local
    environments:
      local:
        connections:
          music_rds: {type: postgres, url: "{{ env.TEST_READER_URL }}"}
          lake: {type: directory, path: lake}
          warehouse: {type: postgres, url: "{{ env.TEST_READER_URL }}"}
    """


@dataclass(frozen=True)
class Database:
    """An empty database, its owner's URL, and that of a role that may nothing yet."""

    owner: str
    role: str

    def grant(self, statements: list[str]) -> None:
        for sql in statements:
            on(self.owner, sql)


@pytest.fixture
def database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database]:
    """Closed to everybody, as a hardened one is."""
    name = urlsplit(postgres).path.lstrip("/")
    on(postgres, f"CREATE ROLE {ROLE} LOGIN; REVOKE ALL ON DATABASE {name} FROM PUBLIC;"
                 "REVOKE ALL ON SCHEMA public FROM PUBLIC;")  # fmt: skip
    found = Database(postgres, postgres.replace("postgresql://postgres", f"postgresql://{ROLE}"))
    monkeypatch.setenv("TEST_READER_URL", found.role)
    yield found
    on(postgres, f"DROP OWNED BY {ROLE}; DROP ROLE {ROLE}")


@pytest.fixture
def project(music: Folder, database: Database) -> Folder:
    """The music pipeline from a folder and one database into it."""
    music.write("environments.yml", ENVIRONMENTS)
    (music.root / "pipelines/music_daily.yml").unlink()  # whose tables are not there
    stream = "".join(f"{n % 9 + 1},{n % 7 + 1},2024-06-25 {n % 24:02}:00:00\n" for n in range(99))
    music.write("lake/streaming-data/1.csv", "user_id,track_id,listen_time\n" + stream)
    on(database.owner, SCHEMA + "CREATE TABLE salaries (amount integer)")
    return music


def statements(folder: Folder, database: Database, wanted: Wanted | None = None) -> list[str]:
    """All grants, to our role."""
    name = urlsplit(database.owner).path.lstrip("/")
    facts = {f"{c}_{fact}": value for c in ("music_rds", "warehouse")
             for fact, value in (("user", ROLE), ("database", name))}  # fmt: skip
    found: list[Grants] = rights(folder, "local", facts, wanted).grants
    return [sql for each in found for sql in each.statements]


def run(folder: Folder, environment: str | None = None) -> str:
    """What went wrong in a run, from nothing."""
    plan = folder.plan("music_streaming", environment=environment)
    try:
        for _ in Run(plan, fresh=True).all_steps(lambda result: None):
            pass
    except EtlError as error:
        return str(error)
    return ""


def make_tables(folder: Folder, database: Database) -> None:
    """As `etl ddl` says, by the owner."""
    project = load_project(folder.root)
    model = project.pipeline("music_streaming").model
    assert model
    on(database.owner, ";".join(target_tables(model, project.environment(None))))


def refused(database: Database, sql: str) -> None:
    with pytest.raises(psycopg2.errors.InsufficientPrivilege):
        on(database.role, sql)


def test_a_run_passes_with_exactly_these(project: Folder, database: Database) -> None:
    make_tables(project, database)
    granted = statements(project, database)
    assert DENIED in run(project)
    database.grant(granted)

    assert run(project) == ""
    assert run(project) == ""
    for sql in ("SELECT * FROM salaries", "DELETE FROM users", "UPDATE kpis_genre SET track_id = 1",
                "CREATE TABLE mine (n integer)", "TRUNCATE kpis_hourly", "DROP TABLE etl_ledger",
                "INSERT INTO tracks DEFAULT VALUES"):  # fmt: skip
        refused(database, sql)


def test_none_of_them_is_too_much(project: Folder, database: Database) -> None:
    """Without any one of them the run fails, or leaves nothing in the tables of history."""
    make_tables(project, database)
    granted = statements(project, database)
    needed = [sql for sql in granted if not sql.startswith("GRANT CONNECT")]
    assert len(needed) == 13
    database.grant(granted)
    before = copied(database)
    for sql in needed:
        taken = re.sub(r"^GRANT (.*) TO ", r"REVOKE \1 FROM ", sql)
        on(database.owner, taken)
        wrong = run(project)
        told = any(table in sql for table in ("etl_runs", "etl_checks"))
        assert told or DENIED in wrong or "that the user may see it" in wrong, taken
        assert not told or copied(database) == before, taken
        on(database.owner, sql)
        before = copied(database)
    assert run(project) == ""
    assert copied(database) > before


def copied(database: Database) -> int:
    """How many runs the warehouse knows."""
    with psycopg2.connect(database.owner) as connection, connection.cursor() as cursor:
        cursor.execute("SELECT COUNT(*) FROM etl_runs")
        return int(cursor.fetchone()[0])


def test_a_column_that_is_not_declared_stays_closed(project: Folder, database: Database) -> None:
    on(database.owner, "ALTER TABLE users ADD COLUMN email text")
    database.grant(statements(project, database, Wanted(may_create=True)))

    assert run(project) == ""
    on(database.role, "SELECT user_id, username, created_at FROM users")
    refused(database, "SELECT email FROM users")
    file = project.root / "pipelines/music_streaming.yml"
    text = file.read_text()
    file.write_text(
        text.replace("    table: users\n", "    table: users\n    where: email IS NULL\n")
    )
    assert DENIED in run(project)
    database.grant(statements(project, database, Wanted(may_create=True)))
    assert run(project) == ""


def test_runs_that_make_their_tables(project: Folder, database: Database) -> None:
    granted = statements(project, database, Wanted(may_create=True))
    database.grant(granted)

    assert run(project) == ""
    refused(database, "SELECT * FROM salaries")
    file = project.root / "pipelines/music_streaming.yml"
    file.write_text(file.read_text().replace("table: kpis_genre,", "table: kpi.genre,"))
    assert DENIED in run(project)
    database.grant(statements(project, database, Wanted(may_create=True)))
    assert run(project) == ""


@pytest.mark.parametrize("environment", ["aws_local", "aws_local_pushdown"])
def test_redshift(music: Folder, stack: Stack, environment: str) -> None:
    """The same in the stand-in for a cluster, whose sessions act as the role."""
    (music.root / "pipelines/music_daily.yml").unlink()
    project = load_project(music.root)
    model = project.pipeline("music_streaming").model
    used = project.environment("aws_local_pushdown")
    assert model
    (found,) = [g for g in rights(music, environment).grants if g.connection == "warehouse"]
    url = stack._rds.replace("/rds?", "/warehouse?")
    plain = [s.replace('"awsuser"', ROLE).replace('"dev"', "warehouse") for s in found.statements]
    assume = [sql for sql in plain if sql.startswith("GRANT ASSUMEROLE")]
    assert len(assume) == 1
    on(url, f"CREATE ROLE {ROLE}; GRANT USAGE ON SCHEMA redshift TO {ROLE};"
            f"GRANT ALL ON ALL TABLES IN SCHEMA redshift TO {ROLE};"
            "REVOKE ALL ON DATABASE warehouse FROM PUBLIC;"
            "CREATE TABLE salaries (amount integer)")  # fmt: skip
    try:
        session = used.cluster().open_session(music.root)
        for sql in target_tables(model, used):
            session.run(sql)
        session.close()
        on(url, f"ALTER ROLE postgres IN DATABASE warehouse SET role = {ROLE}")
        assert DENIED in run(music, environment)
        for sql in plain:
            if sql not in assume:
                on(url, f"SET ROLE NONE; {sql}")
        assert run(music, environment) == ""
        refused(Database(url, url), "SELECT * FROM salaries")
    finally:
        on(url, "SET ROLE NONE; ALTER ROLE postgres IN DATABASE warehouse RESET role;"
                f"GRANT ALL ON DATABASE warehouse TO PUBLIC; DROP OWNED BY {ROLE};"
                f"DROP ROLE {ROLE}; DROP TABLE salaries")  # fmt: skip


def test_names_are_quoted(project: Folder, database: Database, tmp_path: Path) -> None:
    file = project.root / "pipelines/music_streaming.yml"
    file.write_text(file.read_text().replace("table: users", "table: App.Users"))

    found = [sql for sql in statements(project, database) if "Users" in sql]
    assert found == [
        f'GRANT SELECT ("created_at", "user_id", "username") ON TABLE "App"."Users" TO "{ROLE}"'
    ]
