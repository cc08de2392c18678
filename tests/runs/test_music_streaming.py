"""The music streaming pipeline as it is in the repository, on its sample data."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from etl_framework.connections.embedded import running
from etl_framework.run.run import StepResult
from tests.runs.conftest import ETL, PIPELINE, Music
from tests.runs.music import Expected, expected

pytestmark = pytest.mark.slow
STREAMS = {"extract.streams", "check.streams"}
KPIS = {"kpi.kpis_genre", "check.kpis_genre", "kpi.kpis_hourly", "check.kpis_hourly"}
NEW_KPI = """
  kpis_track:
    sql: music_streaming/kpis_track.sql
    target: {connection: warehouse, table: kpis_track}
    columns:
      - {name: track_id, type: integer, primary_key: true}
      - {name: listens, type: integer}
"""


def states(results: dict[str, StepResult], state: str) -> set[str]:
    return {name for name, result in results.items() if result.state == state}


def after(music: Music, first: str) -> set[str]:
    """A step and all that need it."""
    found = {first}
    for step in music.plan("music_streaming").steps:
        found |= {step.name} if found.intersection(step.needs) else set()
    return found


def _without_name(source: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in source.items() if key != "source"}


def test_the_tables_are_those_of_plain_python(music: Music, truth: Expected) -> None:

    assert music.first.returncode == 0, music.first.stderr
    assert music.tables() == [truth.genre, truth.hourly]
    assert len(truth.hourly) == 24


def test_the_counts_are_those_of_plain_python(music: Music, truth: Expected) -> None:
    (row,) = json.loads(music.etl("show", "ledger", "--format", "json").stdout)

    assert {source["source"]: _without_name(source) for source in row["sources"]} == truth.counts
    shown = music.etl("show", "quarantine.streams", "--limit", "0", "--format", "json")
    assert len(json.loads(shown.stdout)) == truth.counts["streams"]["quarantined"]


def test_the_run_tells_what_it_did(music: Music, truth: Expected) -> None:
    counts = truth.counts["streams"]
    told = music.first.stderr.splitlines()

    for step in music.plan("music_streaming").steps:
        assert sum(step.name in line.split() for line in told) == 1, step.name
    table = [line.split() for line in music.first.stdout.splitlines()]
    assert ["source", "read", "kept", "rejected"] in table
    assert ["streams", *(str(counts[name]) for name in ("read", "kept", "quarantined"))] in table
    assert any(row[:4] == ["kpis_genre", "primary_key", "track_genre", "pass"] for row in table)
    assert "published 36 rows to kpis_genre, kpis_hourly" in music.first.stdout


def test_a_run_from_another_folder_goes_on_where_this_one_ended(music: Music) -> None:
    """Like a run in this process, whose folder is the repository's."""
    assert music.etl(*ETL).returncode == 0
    assert "extract.streams" in states(music.run("music_streaming"), "reused")


def test_again_gives_the_same_tables_and_reuses_what_is_finished(music: Music) -> None:
    before, steps = music.tables(), {s.name for s in music.plan("music_streaming").steps}
    again = music.etl(*ETL)

    assert again.returncode == 0
    assert music.tables() == before
    assert len(music.ledger()) == 1
    assert states(music.run("music_streaming"), "reused") == steps - {"publish"}


def test_fresh_reuses_nothing(music: Music) -> None:
    before = music.tables()

    assert states(music.run("music_streaming", fresh=True), "reused") == set()
    assert music.tables() == before


def test_a_changed_file_is_read_again_with_all_that_follows(music: Music, sample: Path) -> None:
    music.run("music_streaming")
    file = sorted((sample / "lake/streaming-data").glob("*.csv"))[0]
    text, times = file.read_bytes(), (file.stat().st_atime_ns, file.stat().st_mtime_ns)
    file.write_bytes(text + b"1,1,2024-06-25 23:59:59\n")
    try:
        results = music.run("music_streaming")
        assert states(results, "done") == {*after(music, "extract.streams"), "publish"}
        assert states(results, "done") > {*STREAMS, *KPIS}
        changed = expected(sample)
        assert music.tables() == [changed.genre, changed.hourly]
    finally:
        file.write_bytes(text)
        os.utime(file, ns=times)
        music.run("music_streaming")


def test_a_new_time_of_change_is_enough_to_read_again(music: Music, sample: Path) -> None:
    music.run("music_streaming")
    file = sorted((sample / "lake/streaming-data").glob("*.csv"))[0]
    os.utime(file, (1_700_000_000, 1_700_000_000))

    assert states(music.run("music_streaming"), "done") >= STREAMS


def test_a_new_row_in_postgres_is_read_again_with_all_that_follows(music: Music) -> None:
    first = music.run("music_streaming")
    database = psycopg2.connect(running(music.root / ".etl/postgres", None))
    database.autocommit = True
    with database.cursor() as cursor:
        cursor.execute("INSERT INTO users VALUES (999999, 'new', now())")
        try:
            results = music.run("music_streaming")
        finally:
            cursor.execute("DELETE FROM users WHERE user_id = 999999")
    database.close()

    assert results["extract.users"].counts["read"] == first["extract.users"].counts["read"] + 1
    assert states(results, "done") >= after(music, "extract.users") > {"check.streams", *KPIS}
    assert "extract.streams" in states(results, "reused")


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        pytest.param(
            "column: listen_count, min: 1}", "column: listen_count, min: 1000000}",
            "check 'accepted_range listen_count' of 'kpis_genre' failed: 12 of 12 rows",
            id="a KPI's check is broken",
        ),
        pytest.param(
            'max_rejected: "5%"', 'max_rejected: "0.01%"', "more than max_rejected (0.01%)",
            id="too many rows are rejected",
        ),
    ],
)  # fmt: skip
def test_nothing_bad_is_published(music: Music, old: str, new: str, message: str) -> None:
    before = music.tables(), music.ledger()
    with music.edited(PIPELINE, old, new):
        failed = music.etl(*ETL)

    assert failed.returncode == 1
    assert message in failed.stderr
    assert f"{PIPELINE}:" in failed.stderr
    assert "Traceback" not in failed.stderr
    assert (music.tables(), music.ledger()) == before


def test_a_newcomer_adds_a_kpi(music: Music) -> None:
    """One block and one SQL file."""
    file = music.root / PIPELINE
    before = file.read_text(encoding="utf-8")
    template = "sql_templates/music_streaming/kpis_track.sql"
    music.write(template, "SELECT track_id, COUNT(*) AS listens FROM listens GROUP BY track_id")
    try:
        file.write_text(before + NEW_KPI, encoding="utf-8")
        run = music.etl(*ETL)
        shown = music.etl("show", "kpis_track", "--format", "json", "--limit", "0")
    finally:
        file.write_text(before, encoding="utf-8")
        (music.root / template).unlink()

    assert run.returncode == 0, run.stderr
    total = sum(row[1] for row in music.tables()[0])
    assert sum(row["listens"] for row in json.loads(shown.stdout)) == total
