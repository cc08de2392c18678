"""The benchmark's input: listening events as CSV files, users and tracks as in `sample_data/`.

Ten million events are about 490 MB. Durations are quarter seconds, whose sums are exact as floats
in any order, so that every program must find the very same averages.
"""

from __future__ import annotations

import argparse
import hashlib
from pathlib import Path

import duckdb

USERS, TRACKS, ARTISTS, FILES = 50_000, 90_000, 8_000, 10
FIRST_ID = 1_000_000_001
GENRES = ["Pop", "Rock", "Hip-Hop", "Electronic", "R&B", "Indie", "Latin", "Country", "Metal"]
GENRES += ["Jazz", "Classical", "Folk", "Soul", "Blues", "Reggae", "Punk", "Ambient", "House"]
HOUR_SHARES = [4, 2, 1, 1, 1, 2, 4, 9, 12, 10, 9, 9, 11, 10, 10, 11, 13, 15, 17, 16, 15, 13, 11, 7]
HOURS = [hour for hour, share in enumerate(HOUR_SHARES) for _ in range(share)]
BAD_TIMES = ["2024-06-25 27:61:00", "not a time", "2024-06-31 08:15:00"]

SCHEMA = """\
DROP TABLE IF EXISTS users, tracks;
CREATE TABLE users (user_id serial PRIMARY KEY, username varchar(255), created_at timestamp);
CREATE TABLE tracks (track_id serial PRIMARY KEY, title varchar(255), genre varchar(100),
    duration float, artist varchar(255));
"""
# A number in [0, 1) that belongs to row i, the same on every run. One hash of one number, because
# hash(i, n) of DuckDB gives neighbours: its results for two n are correlated.
CHANCE = "CREATE MACRO chance(i, n) AS (hash(i * 8 + n) >> 11) / 9007199254740992.0"
USERS_SQL = f"""
    SELECT {FIRST_ID} + i AS user_id, format('listener{{:05d}}', i) AS username,
        TIMESTAMP '2021-03-01' + to_minutes(i * 34 + floor(30 * chance(i, 0))::INT) AS created_at
    FROM range({USERS}) AS ids(i)
"""
TRACKS_SQL = f"""
    SELECT {FIRST_ID} + i AS track_id,
        format('Track {{:05d}}', i) || CASE WHEN i % 50 = 0 THEN ', "Live"' ELSE '' END AS title,
        {GENRES}[1 + floor({len(GENRES)} * chance(i, 0) ** 2)::INT] AS genre,
        CASE WHEN i % 200 > 0 THEN 90 + floor(1200 * chance(i, 1)) / 4 END AS duration,
        format('Artist {{:04d}}', floor({ARTISTS} * chance(i, 2) ** 2)::INT) AS artist
    FROM range({TRACKS}) AS ids(i)
"""


def events_sql(first: int, last: int, total: int) -> str:
    """The events first to last - 1 of all, faults included."""
    # Of 10,000: 10 unparsable times, 5 unknown tracks, 5 unknown users, 10 repeats, 5 empty fields.
    return f"""
        WITH faults AS (
            SELECT floor(10000 * chance(number, 0))::INT AS fault, number % 3 AS kind,
                CASE WHEN fault BETWEEN 20 AND 29 THEN number - 1 ELSE number END AS i
            FROM range({first}, {last}) AS numbers(number)
        ),
        valid AS (
            SELECT fault, kind,
                {FIRST_ID} + floor({USERS} * chance(i, 1) ** 1.5)::INT AS user_id,
                {FIRST_ID} + floor({TRACKS} * chance(i, 2) ** 3)::INT AS track_id,
                TIMESTAMP '2024-06-25' + to_days((7 * i // {total})::INT)
                    + to_hours({HOURS}[1 + floor({len(HOURS)} * chance(i, 3))::INT])
                    + to_microseconds(floor(3600000000 * chance(i, 4))::BIGINT) AS listen_time
            FROM faults
        )
        SELECT
            CASE WHEN fault BETWEEN 15 AND 19 THEN user_id + {USERS}
                WHEN fault BETWEEN 30 AND 34 AND kind = 0 THEN NULL ELSE user_id END AS user_id,
            CASE WHEN fault BETWEEN 10 AND 14 THEN track_id + {TRACKS}
                WHEN fault BETWEEN 30 AND 34 AND kind = 1 THEN NULL ELSE track_id END AS track_id,
            CASE WHEN fault < 10 THEN {BAD_TIMES}[kind + 1]
                WHEN fault BETWEEN 30 AND 34 AND kind = 2 THEN NULL
                ELSE listen_time::VARCHAR END AS listen_time
        FROM valid
    """


def generate(folder: Path, rows: int) -> bool:
    """Write `rds/` and `lake/` under the folder, unless they are there; true if it wrote them."""
    marker = folder / ".generated"
    wanted = f"{rows} {hashlib.sha256(Path(__file__).read_bytes()).hexdigest()}"
    if marker.is_file() and marker.read_text(encoding="utf-8") == wanted:
        return False
    rds, lake = folder / "rds", folder / "lake" / "streaming-data"
    rds.mkdir(parents=True, exist_ok=True)
    lake.mkdir(parents=True, exist_ok=True)
    marker.unlink(missing_ok=True)
    (rds / "schema.sql").write_text(SCHEMA, encoding="utf-8")
    with duckdb.connect() as connection:
        connection.execute(CHANCE)
        connection.execute(f"COPY ({USERS_SQL}) TO '{rds / 'users.csv'}' (FORMAT csv, HEADER)")
        connection.execute(f"COPY ({TRACKS_SQL}) TO '{rds / 'tracks.csv'}' (FORMAT csv, HEADER)")
        for part in range(FILES):
            file = lake / f"streams-{part:02}.csv"
            sql = events_sql(rows * part // FILES, rows * (part + 1) // FILES, rows)
            connection.execute(f"COPY ({sql}) TO '{file}' (FORMAT csv, HEADER)")
    marker.write_text(wanted, encoding="utf-8")
    return True


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rows", type=int, default=10_000_000)
    arguments = parser.parse_args()
    wrote = generate(arguments.folder, arguments.rows)
    print(f"{'wrote' if wrote else 'found'} {arguments.rows:,} events in {arguments.folder}")


if __name__ == "__main__":
    main()
