"""Replay against a real PostgreSQL: what was missing arrives, and rejected rows become valid."""

from __future__ import annotations

import psycopg2
import pytest

from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Selection
from tests.conftest import Folder

PIPELINE = """
    name: plays
    schedule: "@daily"
    sources:
      tracks:
        type: postgres
        connection: rds
        table: tracks
        columns:
          - {name: track_id, type: integer, primary_key: true}
          - {name: title, type: varchar(20)}
        checks:
          - {type: not_null, columns: [title], on_fail: quarantine, error_if: ">90%"}
        max_rejected: "90%"
      streams:
        type: csv
        connection: lake
        path: "streams/{{ interval.date }}.csv"
        max_rejected: "90%"
        columns:
          - {name: track_id, type: integer}
          - {name: at, type: timestamp}
        checks:
          - {type: relationships, column: track_id, to: tracks.track_id, on_fail: quarantine}
    kpis:
      daily:
        sql: daily.sql
        target: {connection: warehouse, table: daily, strategy: delete+insert, incremental_key: day}
        columns:
          - {name: day, type: date, primary_key: true}
          - {name: listens, type: integer}
    """
pytestmark = pytest.mark.slow
DAYS = ("2024-06-25", "2024-06-26")


def execute(url: str, sql: str) -> None:
    with psycopg2.connect(url) as connection, connection.cursor() as cursor:
        cursor.execute(sql)
    connection.close()


@pytest.fixture
def plays(folder: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """Two days of listens; one of each day is of a track that is not known yet."""
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    execute(postgres, "CREATE TABLE tracks (track_id int PRIMARY KEY, title text)")
    execute(postgres, "INSERT INTO tracks VALUES (1, 'One'), (3, NULL)")
    folder.write("pipelines/plays.yml", PIPELINE)
    folder.write(
        "sql_templates/daily.sql",
        "SELECT CAST(at AS DATE) AS day, COUNT(*) AS listens FROM streams GROUP BY 1",
    )
    for day in DAYS:
        folder.write(
            f"lake/streams/{day}.csv",
            f"track_id,at\n1,{day} 10:00:00\n2,{day} 11:00:00\n1,{day} 12:00:00\n",
        )
        folder.run("plays", day)
    return folder


def daily(folder: Folder) -> list[int]:
    return [listens for (listens,) in folder.query("SELECT listens FROM daily ORDER BY day")]


def open_rows(folder: Folder, source: str) -> list[str]:
    rows = Quarantine(load_project(folder.root), None, source).rows(Selection(states=("open",)))
    return [row.row for row in rows]


def test_a_track_that_arrives_later_lets_its_listens_in(plays: Folder, postgres: str) -> None:
    assert daily(plays) == [2, 2] and len(open_rows(plays, "streams")) == 2
    execute(postgres, "INSERT INTO tracks VALUES (2, 'Two')")

    for _ in range(2):
        replayed = plays.etl("quarantine", "replay", "streams", env={"TEST_RDS_URL": postgres})

        assert replayed.returncode == 0, replayed.stderr
        assert daily(plays) == [3, 3]
        assert open_rows(plays, "streams") == []
    assert "nothing to replay" in replayed.stderr


def test_only_the_days_asked_for_are_run_again(plays: Folder, postgres: str) -> None:
    execute(postgres, "INSERT INTO tracks VALUES (2, 'Two')")

    plays.etl(
        "quarantine", "replay", "streams", "--date", DAYS[1], env={"TEST_RDS_URL": postgres}
    )  # fmt: skip

    assert daily(plays) == [2, 3]


def test_a_row_of_a_table_is_known_by_its_key_and_can_be_corrected(
    plays: Folder, postgres: str
) -> None:
    found = Quarantine(load_project(plays.root), None, "tracks")
    first, second = found.rows(Selection())
    assert first.key == {"track_id": "3"} and first.id == second.id
    assert first.values == {"track_id": "3", "title": None} and first.file is None

    plays.write("fix.csv", f"etl_id,track_id,title\n{first.id},2,Two\n")
    replayed = plays.etl(
        "quarantine", "replay", "tracks", "--with", "fix.csv", env={"TEST_RDS_URL": postgres}
    )

    assert replayed.returncode == 0, replayed.stderr
    assert daily(plays) == [3, 3] and open_rows(plays, "tracks") == []
