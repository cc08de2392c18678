"""Another pipeline, of other names and types, on real data that lie outside of the project."""

from __future__ import annotations

import csv
import io
import shutil
from collections import Counter
from collections.abc import Iterable
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from typing import Any

import duckdb
import psycopg2
import pytest

from tests.conftest import REPOSITORY, Folder

DATA = REPOSITORY.parent / "shared/data/lab"
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the lab's data are not in {DATA}"),
]
GENRES = ["ambient", "blues", "chanson", "dub", "electro"]
TABLES = """
CREATE SCHEMA registry;
CREATE TABLE registry.people (user_id bigint PRIMARY KEY, user_name text, user_age smallint,
    user_country text, created_at date);
CREATE TABLE songs (track_id char(22) PRIMARY KEY, artists text, track_genre text, duration_ms int);
"""
Song = tuple[str, str, str, int]


def read(name: str) -> list[dict[str, str]]:
    with (DATA / name).open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def song(track_id: str) -> Song:
    """A track for an id: always the same one, with a few artists who share many tracks."""
    number = sum(ord(letter) * place for place, letter in enumerate(track_id, 1))
    artists = f"Artist {number % 97}" + (f"; Guest {number % 7}" if number % 3 == 0 else "")
    return track_id, artists, GENRES[number % 5], 90_000 + number * 37 % 200_001


@pytest.fixture(scope="module")
def plays() -> list[dict[str, str]]:
    return [row for number in (1, 2, 3) for row in read(f"streams{number}.csv")]


@pytest.fixture
def database(postgres: str, plays: list[dict[str, str]]) -> str:
    """Everyone from users.csv, and a track for each id that occurs."""
    connection = psycopg2.connect(postgres)
    with connection, connection.cursor() as cursor:
        cursor.execute(TABLES)
        with (DATA / "users.csv").open(encoding="utf-8") as file:
            cursor.copy_expert("COPY registry.people FROM STDIN (FORMAT csv, HEADER)", file)
        text = io.StringIO()
        csv.writer(text).writerows(song(each) for each in sorted({p["track_id"] for p in plays}))
        text.seek(0)
        cursor.copy_expert("COPY songs FROM STDIN (FORMAT csv)", text)
    connection.close()
    return postgres


@pytest.fixture
def lab(tmp_path: Path) -> Folder:
    shutil.copytree(Path(__file__).parent / "project", tmp_path / "project")
    return Folder(tmp_path / "project")


def rows(lab: Folder, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(lab.root / "work/mart.duckdb"), read_only=True) as connection:
        return connection.execute(sql).fetchall()


def as_told(name: str) -> list[tuple[Any, ...]]:
    counts = ("hour", "plays", "unique_listeners", "unique_tracks")
    return [
        (*(int(row[key]) for key in counts), Decimal(row["track_diversity_index"]))
        for row in read(name)
    ]


def top_artists(plays: Iterable[dict[str, str]]) -> list[tuple[int, str]]:
    by_hour: dict[int, Counter[str]] = {}
    for play in plays:
        hour = int(play["listen_time"][11:13])
        by_hour.setdefault(hour, Counter())[song(play["track_id"])[1]] += 1
    return [(hour, min(c, key=lambda a: (-c[a], a))) for hour, c in sorted(by_hour.items())]


HOURS = (
    "SELECT hour, plays, unique_listeners, unique_tracks, track_diversity_index "
    "FROM lab.hours ORDER BY hour"
)


@pytest.mark.parametrize(
    ("files", "expected"),
    [
        pytest.param(["streams1.csv"], "expected_hourly_streams1.csv", id="one file"),
        pytest.param(
            ["streams1.csv", "streams2.csv", "streams3.csv"], "expected_hourly_all.csv",
            id="all three files",
        ),
    ],
)  # fmt: skip
def test_the_hours_are_those_that_came_with_the_data(
    lab: Folder, database: str, tmp_path: Path, files: list[str], expected: str
) -> None:
    (tmp_path / "files").mkdir()
    for name in files:
        (tmp_path / "files" / name).symlink_to(DATA / name)
    settings = {"LAB_DATABASE_URL": database, "LAB_FILES": str(tmp_path / "files")}
    for _ in range(2):
        done = lab.etl("run", "lab", "--date", "2024-06-25", env=settings)
        assert done.returncode == 0, done.stderr
        assert rows(lab, HOURS) == as_told(expected)

    own = [play for name in files for play in read(name)]
    assert rows(lab, "SELECT hour, top_artists FROM lab.hours ORDER BY 1") == top_artists(own)
    people = {row["user_id"]: row["user_country"] for row in read("users.csv")}
    by_country: dict[str, list[Decimal]] = {}
    for play in own:
        seconds = Decimal(song(play["track_id"])[3]) / 1000
        by_country.setdefault(people[play["user_id"]], []).append(seconds)
    assert rows(lab, "SELECT * FROM countries ORDER BY 1") == [
        (country, len(found), sum(found).quantize(Decimal("0.001"), ROUND_HALF_UP))
        for country, found in sorted(by_country.items())
    ]


def test_the_projects_files_have_no_problem(lab: Folder) -> None:
    done = lab.etl("lint")

    assert (done.returncode, done.stdout) == (0, "")
