"""The music streaming pipeline as one DuckDB script, written by hand for this pipeline alone."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

import duckdb
import psycopg2

SETTINGS = """
    SET memory_limit = '600MB';
    SET temp_directory = '{scratch}/spill';
    SET preserve_insertion_order = false;
"""
TABLES = """
    CREATE TEMP TABLE users AS FROM read_csv('{scratch}/users.csv', header = true,
        auto_detect = false, allow_quoted_nulls = false, columns = {{
            user_id: 'INTEGER', username: 'VARCHAR', created_at: 'TIMESTAMP'}});
    CREATE TEMP TABLE tracks AS FROM read_csv('{scratch}/tracks.csv', header = true,
        auto_detect = false, allow_quoted_nulls = false, columns = {{
            track_id: 'INTEGER', title: 'VARCHAR', genre: 'VARCHAR', duration: 'DOUBLE',
            artist: 'VARCHAR'}});
"""
STREAMS = """
    CREATE TEMP TABLE streams AS
    SELECT
        e.*,
        CASE
            WHEN e.user_id IS NULL THEN 'user_id is empty'
            WHEN e.track_id IS NULL THEN 'track_id is empty'
            WHEN e.listen_time IS NULL THEN 'listen_time is empty'
            WHEN t.track_id IS NULL THEN 'track_id is not in tracks'
            WHEN u.user_id IS NULL THEN 'user_id is not in users'
        END AS reason
    FROM read_csv('{folder}/lake/streaming-data/*.csv', header = true, auto_detect = false,
        store_rejects = true, columns = {{
            user_id: 'INTEGER', track_id: 'INTEGER', listen_time: 'TIMESTAMP'}}) AS e
    LEFT JOIN tracks AS t USING (track_id)
    LEFT JOIN users AS u USING (user_id);

    COPY (
        SELECT s.file_path, e.line, e.csv_line, e.column_name, e.error_message
        FROM reject_errors AS e JOIN reject_scans AS s USING (scan_id, file_id)
    ) TO '{output}/rejected.parquet';
    COPY (FROM streams WHERE reason IS NOT NULL) TO '{output}/quarantined.parquet';
"""
LISTENS = """
    CREATE TEMP TABLE listens AS
    SELECT DISTINCT user_id, track_id, listen_time FROM streams WHERE reason IS NULL;
"""
COUNTS = """
    SELECT
        (SELECT count(DISTINCT (scan_id, file_id, line)) FROM reject_errors) AS rejected,
        count(reason) AS quarantined,
        count(*) - count(reason) - (SELECT count(*) FROM listens) AS repeats,
        (SELECT count(*) FROM listens) AS listens
    FROM streams
"""
KPIS = """
    CREATE TEMP TABLE plays AS
    SELECT hour(listen_time) AS hour, track_id, count(*) AS listens
    FROM listens GROUP BY ALL;

    CREATE TEMP TABLE genre AS
    WITH per_track AS (
        SELECT genre, track_id, any_value(duration) AS duration, sum(listens) AS listens
        FROM plays JOIN tracks USING (track_id) GROUP BY ALL
    )
    SELECT
        genre::VARCHAR(100) AS track_genre,
        sum(listens)::INTEGER AS listen_count,
        (sum(duration * listens) / sum(listens) FILTER (duration IS NOT NULL))::DECIMAL(10, 2)
            AS average_track_duration,
        (100.0 * sum(listens) / sum(sum(listens)) OVER ())::DECIMAL(10, 2) AS popularity_index,
        first(track_id ORDER BY listens DESC, track_id)::VARCHAR(50) AS track_id
    FROM per_track GROUP BY genre;

    CREATE TEMP TABLE hourly AS
    WITH artists AS (
        SELECT hour, artist, sum(listens) AS listens
        FROM plays JOIN tracks USING (track_id) GROUP BY ALL
    ),
    top AS (
        SELECT hour, first(artist ORDER BY listens DESC, artist) AS artist
        FROM artists GROUP BY hour
    ),
    listeners AS (
        SELECT hour(listen_time) AS hour, count(DISTINCT user_id) AS users FROM listens GROUP BY ALL
    )
    SELECT
        hour::INTEGER AS hour,
        any_value(users)::INTEGER AS unique_listeners,
        any_value(top.artist)::VARCHAR(255) AS top_artist_per_hour,
        (count(*) / sum(listens))::DECIMAL(10, 6) AS track_diversity_index
    FROM plays JOIN top USING (hour) JOIN listeners USING (hour) GROUP BY hour;
"""
# Each must hold; the name says what.
TABLE_CHECKS = {
    "users.user_id is the key": "SELECT count(*) = count(DISTINCT user_id) FROM users",
    "tracks.track_id is the key": "SELECT count(*) = count(DISTINCT track_id) FROM tracks",
    "tracks are complete": """SELECT count(*) FILTER (genre IS NULL OR artist IS NULL
        OR duration NOT BETWEEN 0 AND 36000) = 0 FROM tracks""",
}
KPI_CHECKS = {
    "kpis_genre is in range": """SELECT count(*) = count(DISTINCT track_genre) AND count(*) FILTER (
        listen_count < 1 OR popularity_index NOT BETWEEN 0 AND 100) = 0 FROM genre""",
    "kpis_hourly is in range": """SELECT count(*) = count(DISTINCT hour) AND count(*) FILTER (
        hour NOT BETWEEN 0 AND 23 OR unique_listeners < 1
        OR track_diversity_index NOT BETWEEN 0 AND 1) = 0 FROM hourly""",
}
PUBLISH = """
    BEGIN;
    CREATE TABLE IF NOT EXISTS kpis_genre (track_genre VARCHAR(100), listen_count INTEGER,
        average_track_duration DECIMAL(10,2), popularity_index DECIMAL(10,2), track_id VARCHAR(50));
    CREATE TABLE IF NOT EXISTS kpis_hourly (hour INTEGER, unique_listeners INTEGER,
        top_artist_per_hour VARCHAR(255), track_diversity_index DECIMAL(10,6));
    DELETE FROM kpis_genre;
    DELETE FROM kpis_hourly;
    INSERT INTO kpis_genre BY NAME FROM genre;
    INSERT INTO kpis_hourly BY NAME FROM hourly;
    COMMIT;
"""


def copy_tables(url: str, scratch: Path) -> None:
    """Both tables as CSV files, in PostgreSQL's own fastest way."""
    connection = psycopg2.connect(url)
    try:
        for table in ("users", "tracks"):
            with (scratch / f"{table}.csv").open("wb") as file, connection.cursor() as cursor:
                cursor.copy_expert(f"COPY {table} TO STDOUT (FORMAT csv, HEADER)", file)
    finally:
        connection.close()


def require(connection: duckdb.DuckDBPyConnection, checks: dict[str, str]) -> None:
    for name, sql in checks.items():
        if connection.execute(sql).fetchone() != (True,):
            raise SystemExit(f"check failed: {name}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="has lake/streaming-data/*.csv")
    parser.add_argument("url", help="of the PostgreSQL with users and tracks")
    parser.add_argument("warehouse", type=Path, help="DuckDB file to write")
    arguments = parser.parse_args()
    output = arguments.warehouse.parent
    with (
        tempfile.TemporaryDirectory(dir=output) as scratch,
        duckdb.connect(str(arguments.warehouse)) as connection,
    ):
        connection.execute(SETTINGS.format(scratch=scratch))
        copy_tables(arguments.url, Path(scratch))
        connection.execute(TABLES.format(scratch=scratch))
        require(connection, TABLE_CHECKS)
        connection.execute(STREAMS.format(folder=arguments.folder, output=output))
        connection.execute(LISTENS)
        print(connection.sql(COUNTS))
        connection.execute(KPIS)
        require(connection, KPI_CHECKS)
        connection.execute(PUBLISH)


if __name__ == "__main__":
    main()
