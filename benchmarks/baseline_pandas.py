"""The music streaming pipeline as such pipelines usually are: everything in pandas."""

from __future__ import annotations

import argparse
from pathlib import Path

import duckdb
import pandas as pd
import psycopg2

KEY = ["user_id", "track_id", "listen_time"]
DDL = """
    CREATE TABLE IF NOT EXISTS kpis_genre (track_genre VARCHAR(100), listen_count INTEGER,
        average_track_duration DECIMAL(10,2), popularity_index DECIMAL(10,2), track_id VARCHAR(50));
    CREATE TABLE IF NOT EXISTS kpis_hourly (hour INTEGER, unique_listeners INTEGER,
        top_artist_per_hour VARCHAR(255), track_diversity_index DECIMAL(10,6));
"""


def require(passed: bool, message: str) -> None:
    if not passed:
        raise SystemExit(f"check failed: {message}")


def read_table(url: str, table: str, columns: list[str]) -> pd.DataFrame:
    connection = psycopg2.connect(url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT {', '.join(columns)} FROM {table}")
            return pd.DataFrame(cursor.fetchall(), columns=columns)
    finally:
        connection.close()


def check_tables(users: pd.DataFrame, tracks: pd.DataFrame) -> None:
    for key in (users.user_id, tracks.track_id):
        require(key.notna().all() and key.is_unique, f"{key.name} is the key")
    require(tracks[["genre", "artist"]].notna().all(axis=None), "genre and artist are there")
    require(tracks.duration.dropna().between(0, 36000).all(), "duration is 0 to 36000")


def clean(streams: pd.DataFrame, users: pd.DataFrame, tracks: pd.DataFrame) -> pd.DataFrame:
    """The events without those that cannot count; prints how many those are."""
    read = len(streams)
    written = streams.listen_time.notna()
    streams["listen_time"] = pd.to_datetime(streams.listen_time, format="ISO8601", errors="coerce")
    streams = streams[~(written & streams.listen_time.isna())]
    parsed = len(streams)
    streams = streams.dropna(subset=KEY).astype({"user_id": "int64", "track_id": "int64"})
    streams = streams[streams.track_id.isin(tracks.track_id) & streams.user_id.isin(users.user_id)]
    print(f"rejected {read - parsed}, quarantined {parsed - len(streams)}")
    print(f"repeats {streams.duplicated(KEY).sum()}")
    return streams.drop_duplicates(KEY)


def most(listens: pd.DataFrame, group: str, value: str) -> pd.Series:
    """Per group the most frequent value; of several the smallest."""
    counts = listens.groupby([group, value], as_index=False).size()
    counts = counts.sort_values([group, "size", value], ascending=[True, False, True])
    return counts.drop_duplicates(group).set_index(group)[value]


def genre_kpis(listens: pd.DataFrame) -> pd.DataFrame:
    kpis = listens.groupby("genre").agg(
        listen_count=("track_id", "size"), average_track_duration=("duration", "mean")
    )
    kpis["popularity_index"] = 100 * kpis.listen_count / len(listens)
    kpis["track_id"] = most(listens, "genre", "track_id").astype(str)
    kpis = kpis.round(2).rename_axis("track_genre").reset_index()
    require(kpis.listen_count.ge(1).all(), "listen_count is 1 or more")
    require(kpis.popularity_index.between(0, 100).all(), "popularity_index is 0 to 100")
    return kpis


def hourly_kpis(listens: pd.DataFrame) -> pd.DataFrame:
    listens["hour"] = listens.listen_time.dt.hour
    hours = listens.groupby("hour")
    kpis = hours.agg(unique_listeners=("user_id", "nunique"))
    kpis["top_artist_per_hour"] = most(listens, "hour", "artist")
    kpis["track_diversity_index"] = (hours.track_id.nunique() / hours.size()).round(6)
    kpis = kpis.reset_index()
    require(kpis.hour.between(0, 23).all(), "hour is 0 to 23")
    require(kpis.unique_listeners.ge(1).all(), "unique_listeners is 1 or more")
    require(kpis.track_diversity_index.between(0, 1).all(), "track_diversity_index is 0 to 1")
    return kpis


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path, help="has lake/streaming-data/*.csv")
    parser.add_argument("url", help="of the PostgreSQL with users and tracks")
    parser.add_argument("warehouse", type=Path, help="DuckDB file to write")
    arguments = parser.parse_args()
    users = read_table(arguments.url, "users", ["user_id", "username", "created_at"])
    columns = ["track_id", "title", "genre", "duration", "artist"]
    tracks = read_table(arguments.url, "tracks", columns)
    check_tables(users, tracks)
    files = sorted((arguments.folder / "lake" / "streaming-data").glob("*.csv"))
    streams = pd.concat([pd.read_csv(file) for file in files], ignore_index=True)
    listens = clean(streams, users, tracks)
    listens = listens.merge(tracks, on="track_id").merge(users, on="user_id")
    genre, hourly = genre_kpis(listens), hourly_kpis(listens)
    with duckdb.connect(str(arguments.warehouse)) as connection:
        connection.execute(f"BEGIN; {DDL}; DELETE FROM kpis_genre; DELETE FROM kpis_hourly")
        connection.register("genre", genre)
        connection.register("hourly", hourly)
        connection.execute("INSERT INTO kpis_genre BY NAME FROM genre")
        connection.execute("INSERT INTO kpis_hourly BY NAME FROM hourly; COMMIT")


if __name__ == "__main__":
    main()
