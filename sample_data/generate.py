"""Writes the sample data of the music streaming pipeline: the same bytes every time."""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate
from pathlib import Path
from random import Random

USERS, TRACKS, ARTISTS = 5_000, 2_000, 340
DAY_COUNTS = [28_000, 27_500, 28_200, 29_100, 31_400, 30_300, 25_500]
HOUR_SHARES = [4, 2, 1, 1, 1, 2, 4, 9, 12, 10, 9, 9, 11, 10, 10, 11, 13, 15, 17, 16, 15, 13, 11, 7]
PART_OF_HOUR = [0] * 5 + [1] * 6 + [2] * 7 + [3] * 6
SPLIT_DAYS, GZIP_DAY, REORDERED_DAY = (0, 4), 2, 3
WORDS = """\
Pop Rock Hip-Hop Electronic R&B Indie Latin Country Metal Jazz Classical Folk
Ada Amara Bruno Chiara Dario Elin Farah Greta Hugo Inés Jonas Kaia Leo Mira Noor René Søren Zoë
Almeida Bergström Castell Duarte Eriksen Falk Grün Hollis Jansen Kowalska Moreau Núñez Okafor Sato
Amber Blue Broken Distant Electric Golden Hidden Hollow Lonely Midnight Paper Scarlet Silver Wild
Bridges Drifters Echoes Foxes Gardens Harbours Islands Kites Lanterns Mirrors Oceans Rivers Tigers
"""
GENRES, FIRST_NAMES, LAST_NAMES, ADJECTIVES, NOUNS = (line.split() for line in WORDS.splitlines())
GENRE_SHARES = [22, 16, 14, 11, 8, 7, 6, 5, 4, 3, 2, 2]
# How much more than usual a genre is liked at night, in the morning, by day, in the evening.
MOODS = {"Electronic": (5, 1, 1, 2), "Classical": (1, 9, 2, 1), "Hip-Hop": (2, 1, 1, 3)}
ODD_TITLES = ['"Live" at the Pier', "Mañana, Maybe", "東京の雨", "L'été, enfin", "Don't Look Down"]
BAD_TIMES = ["{day} 27:61:00", "not a time", "2024-06-31 08:15:00", "25/06/2024 14:03:10"]
FAULTS = {"time": 300, "track": 200, "user": 100, "repeat": 500, "empty": 150}  # of 100,000
SCHEMA = """\
DROP TABLE IF EXISTS users, tracks;
CREATE TABLE users (user_id serial PRIMARY KEY, username varchar(255), created_at timestamp);
CREATE TABLE tracks (track_id serial PRIMARY KEY, title varchar(255), genre varchar(100),
    duration float, artist varchar(255));
"""
Row = Sequence[object]


def users(random: Random) -> Iterable[Row]:
    """Accounts, oldest first; the number makes a name the only one."""
    created = datetime(2021, 3, 1, 9)
    for user_id in range(1, USERS + 1):
        created += timedelta(seconds=random.randrange(60, 41_000))
        name = f"{random.choice(FIRST_NAMES)}.{random.choice(LAST_NAMES)}{user_id}"
        yield user_id, name.lower(), created


def tracks(random: Random) -> list[tuple[int, str, str, str, str]]:
    """The catalogue: an artist keeps to one genre; quarter seconds add up exactly as floats."""
    people = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    bands = [f"The {adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]
    artists = random.sample(people + bands, ARTISTS)
    genres = random.choices(GENRES, GENRE_SHARES, k=ARTISTS)
    rows = []
    for track_id in range(1, TRACKS + 1):
        artist = int(random.random() * random.random() * ARTISTS)
        endings = ["", "", " (Acoustic)", " (Remix)", ", Pt. 2", f" feat. {random.choice(artists)}"]
        title = f"{random.choice(ADJECTIVES)} {random.choice(NOUNS)}{random.choice(endings)}"
        title = random.choice(ODD_TITLES) if track_id % 90 == 0 else title
        duration = "" if random.random() < 0.005 else str(90 + random.randrange(1_200) / 4)
        rows.append((track_id, title, genres[artist], duration, artists[artist]))
    return rows


def popularity(random: Random, genres: Sequence[str]) -> list[list[int]]:
    """Running totals of the tracks' weights, per part of the day: a few hits and a long tail."""
    hits = [100_000 // (rank + 12) for rank in random.sample(range(TRACKS), TRACKS)]
    liked = [(hit, MOODS.get(genre, (2, 2, 2, 2))) for hit, genre in zip(hits, genres, strict=True)]
    return [list(accumulate(hit * mood[part] for hit, mood in liked)) for part in range(4)]


def events(random: Random, weights_of: list[list[int]], day: date, count: int) -> list[Row]:
    """One day of listening in order of time, with the faults that life brings."""
    rows: list[Row] = []
    per_hour = Counter(random.choices(range(24), HOUR_SHARES, k=count))
    for hour, weights in enumerate(weights_of[part] for part in PART_OF_HOUR):
        heard = random.choices(range(1, TRACKS + 1), cum_weights=weights, k=per_hour[hour])
        seconds = sorted(int(random.random() * 3600) for _ in heard)
        for track_id, second in zip(heard, seconds, strict=True):
            user_id = int(random.random() * random.random() * USERS) + 1
            rows.append((user_id, track_id, f"{day} {hour:02}:{second // 60:02}:{second % 60:02}"))
    faults = [fault for fault, share in FAULTS.items() for _ in range(count * share // 100_000)]
    for place, fault in zip(random.sample(range(1, count), len(faults)), faults, strict=True):
        user, track, time = rows[place]
        rows[place] = {
            "time": (user, track, random.choice(BAD_TIMES).format(day=day)),
            "track": (user, TRACKS + random.randrange(1, 500), time),
            "user": (USERS + random.randrange(1, 500), track, time),
            "repeat": rows[place - 1],
            "empty": random.choice([("", track, time), (user, "", time), (user, track, "")]),
        }[fault]
    return rows


def write_csv(file: Path, header: str, rows: Iterable[Row]) -> None:
    """Write these columns; a `.gz` is packed, with a header that no Python version changes."""
    text = io.StringIO(newline="")
    csv.writer(text, lineterminator="\n").writerows([header.split(","), *rows])
    plain = text.getvalue().encode()
    file.write_bytes(gzip.compress(plain, mtime=1) if file.suffix == ".gz" else plain)


def generate(output: Path) -> None:
    random = Random(20240625)
    rds, lake = output / "rds", output / "lake" / "streaming-data"
    for folder in (rds, lake):
        folder.mkdir(parents=True, exist_ok=True)
    for stale in lake.glob("streams-*.csv*"):
        stale.unlink()
    (rds / "schema.sql").write_text(SCHEMA, encoding="utf-8", newline="\n")
    write_csv(rds / "users.csv", "user_id,username,created_at", users(random))
    catalogue = tracks(random)
    write_csv(rds / "tracks.csv", "track_id,title,genre,duration,artist", catalogue)
    weights = popularity(random, [row[2] for row in catalogue])
    for index, count in enumerate(DAY_COUNTS):
        day = date(2024, 6, 25) + timedelta(days=index)
        rows, header = events(random, weights, day, count), "user_id,track_id,listen_time"
        if index == REORDERED_DAY:
            rows, header = [(row[2], *row[:2]) for row in rows], "listen_time,user_id,track_id"
        size = count // 2 if index in SPLIT_DAYS else count
        for start in range(0, count, size):
            name = f"streams-{day}-{start // size + 1}.csv{'.gz' if index == GZIP_DAY else ''}"
            write_csv(lake / name, header, rows[start : start + size])


def main() -> None:
    """Generate, unless this very generator has been here before."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, default=Path(__file__).parent, metavar="DIR")
    output = parser.parse_args().output
    marker = output / ".generated"
    digest = hashlib.sha256(Path(__file__).read_bytes()).hexdigest()
    if marker.is_file() and marker.read_text(encoding="utf-8") == digest:
        print(f"the sample data in {output.name} are up to date")
        return
    marker.unlink(missing_ok=True)
    generate(output)
    marker.write_text(digest, encoding="utf-8")
    print(f"wrote {sum(DAY_COUNTS):,} events, {TRACKS:,} tracks, {USERS:,} users to {output.name}")


if __name__ == "__main__":
    main()
