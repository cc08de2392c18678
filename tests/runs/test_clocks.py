"""An hour that comes twice when clocks go back: each of its rows once, whatever is run again."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import psycopg2
import pytest

from tests.cli.conftest import Etl
from tests.conftest import ELSEWHERE, Folder, bucket, in_the_cluster, moved
from tests.runs.test_earlier import rows

HITS = """
name: hits
schedule: "@hourly"
timezone: Europe/Berlin
sources:
  hits:
    type: postgres
    connection: rds
    table: hits
    incremental_key: at
    may_be_empty: true
    columns:
      - {name: n, type: integer, primary_key: true}
      - {name: at, type: TYPE}
kpis:
  hourly:
    sql: hits/hourly.sql
    target: {connection: warehouse, table: hourly, strategy: delete+insert, incremental_key: at}
    columns:
      - {name: n, type: integer}
      - {name: at, type: TYPE}
"""
# Every twenty minutes from 01:00 to 04:00 in Berlin: four hours, of which two are called two.
ROWS = """
DROP TABLE IF EXISTS hits;
CREATE TABLE hits (n integer, at TYPE);
SET timezone TO 'Europe/Berlin';
INSERT INTO hits SELECT n, '2024-10-27 01:00+02'::timestamptz + n * interval '20 minutes'
FROM generate_series(0, 11) AS n
"""
SELECTED = """SELECT n, at FROM hits
WHERE at >= {{ interval.start }} AND at < {{ interval.end }}
"""
DAY = ("--date", "2024-10-27")
Do = Callable[[str], None]
BERLIN = ZoneInfo("Europe/Berlin")


@pytest.fixture
def database(postgres: str, monkeypatch: pytest.MonkeyPatch) -> Do:
    monkeypatch.setenv("TEST_RDS_URL", postgres)

    def do(sql: str) -> None:
        with psycopg2.connect(postgres) as connection, connection.cursor() as cursor:
            cursor.execute(sql)
        connection.close()

    return do


@pytest.fixture(params=["local", *ELSEWHERE])
def folder_of(request: pytest.FixtureRequest, folder: Folder, database: Do) -> Any:
    def made(type_: str) -> Folder:
        folder.write("pipelines/hits.yml", HITS.replace("TYPE", type_))
        folder.write("sql_templates/hits/hourly.sql", SELECTED)
        database(ROWS.replace("TYPE", type_))
        if request.param != "local":
            moved(folder, request)
        file = folder.root / "environments.yml"
        if " rds:" not in (text := file.read_text()):
            rds = '  rds: {type: postgres, url: "{{ env.TEST_RDS_URL }}"}'
            file.write_text(text.replace("    connections:\n", f"    connections:\n    {rds}\n", 1))
        return folder

    return made


@pytest.mark.parametrize("type_", ["timestamptz", "timestamp"])
def test_both_hours(folder_of: Any, database: Do, etl: Etl, type_: str) -> None:
    folder = folder_of(type_)
    found = etl("run", "hits", *DAY)
    assert found.returncode == 0, found.stderr
    assert found.stderr.count("✓ [") == 25
    listed = "SELECT n FROM hourly ORDER BY 1"
    assert rows(folder, listed) == [(n,) for n in range(12)]

    database("DELETE FROM hits WHERE n = 4; UPDATE hits SET n = 70 WHERE n = 7")
    assert etl("run", "hits", *DAY).returncode == 0
    assert [n for (n,) in rows(folder, listed)] == [0, 1, 2, 3, 5, 6, 8, 9, 10, 11, 70]


FILES = (
    HITS[: HITS.index("    type: postgres")]
    + """    type: csv
    connection: lake
    path: hits/*.csv
"""
    + HITS[HITS.index("    columns:") :]
)


@pytest.mark.parametrize(
    ("where", "type_"),
    [
        ("local", "timestamptz"),
        ("local", "timestamp"),
        ("duckdb in redshift", "timestamptz"),
        ("redshift", "timestamp"),
    ],
)
def test_both_hours_in_sql(
    folder: Folder, etl: Etl, request: pytest.FixtureRequest, type_: str, where: str
) -> None:
    """A time without a zone, of an hour that comes twice, is one of the second on every engine."""
    folder.write("pipelines/hits.yml", FILES.replace("TYPE", type_))
    folder.write("sql_templates/hits/hourly.sql", SELECTED)
    begin = datetime(2024, 10, 26, 23, tzinfo=UTC)
    moments = [(begin + timedelta(minutes=20 * n)).astimezone(BERLIN) for n in range(12)]
    if type_ == "timestamp":
        moments = [moment.replace(tzinfo=None) for moment in moments]
    lines = [f"{n},{moment.isoformat(' ')}" for n, moment in enumerate(moments)]
    folder.write("lake/hits/all.csv", "n,at\n" + "\n".join(lines) + "\n")
    if where != "local":
        request.getfixturevalue("stack")
        in_the_cluster(folder, where.split()[0])
        bucket().write("hits/all.csv", (folder.root / "lake/hits/all.csv").read_bytes())

    for _ in range(2):
        found = etl("run", "hits", *DAY, "--fresh")
        assert found.returncode == 0, found.stderr
        assert rows(folder, "SELECT n FROM hourly ORDER BY 1") == [(n,) for n in range(12)]
