"""Writes the sample data of the music streaming pipeline: the same bytes every time."""

from __future__ import annotations

import argparse
import csv
import gzip
import hashlib
from collections.abc import Iterable, Sequence
from datetime import date, datetime, timedelta
from itertools import accumulate, islice
from pathlib import Path
from random import Random

USERS, TRACKS, ARTISTS, EVENTS = 5_000, 2_000, 300, 200_000
FIRST_DAY = date(2024, 6, 25)
DAY_SHARES = [28_000, 27_500, 28_200, 29_100, 31_400, 30_300, 25_500]
HOUR_SHARES = [9, 5, 3, 2, 2, 4, 9, 18, 24, 20, 18, 19, 22, 21, 20, 22, 26, 31, 34, 33, 30, 27, 22, 15]
SPLIT_DAYS, GZIP_DAY, REORDERED_DAY = (0, 4), 2, 3

# Genre: its share of the catalogue, and how much it is liked at night, morning, day and evening.
GENRES = {
    "Pop": (22, (3, 4, 4, 4)),
    "Rock": (16, (2, 3, 4, 4)),
    "Hip-Hop": (14, (4, 2, 3, 5)),
    "Electronic": (11, (7, 1, 2, 4)),
    "R&B": (8, (4, 2, 2, 4)),
    "Indie": (7, (3, 3, 3, 3)),
    "Latin": (6, (3, 2, 3, 4)),
    "Country": (5, (1, 4, 3, 2)),
    "Metal": (4, (2, 1, 2, 3)),
    "Jazz": (3, (3, 3, 1, 3)),
    "Classical": (2, (1, 6, 2, 1)),
    "Folk": (2, (2, 3, 2, 2)),
}
FIRST_NAMES = """Ada Amara Bruno Chiara Dario Elin Farah Greta Hugo Inés Jonas Kaia Leo Mira Noor Oskar
    Petra Quinn René Søren Tomás Uma Viktor Wanda Yara Zoë""".split()
LAST_NAMES = """Almeida Bergström Castell Duarte Eriksen Falk Grün Hollis Ivanova Jansen Kowalska
    Lindqvist Moreau Núñez Okafor Petrov Rahimi Sato Tanaka Underhill Varga Whitlock Yıldız""".split()
ADJECTIVES = "Amber Blue Broken Distant Electric Golden Hidden Hollow Lonely Midnight Paper Silver".split()
NOUNS = """Avenue Bridges Cinema Drifters Echoes Foxes Garden Harbour Islands Kites Lanterns Mirrors
    Novembers Oceans Pilots Rivers Satellites Tigers Valley Windows""".split()
ODD_TITLES = ['"Live" at the Pier', "Hello, Again", "Mañana, Maybe", "Über Nacht", "東京の雨", "Noční vlak",
              'She Said "Wait", So I Did', "L'été, enfin", "Don't Look Down", "Ἠώς", "50% Off, 100% Yours"]
BAD_TIMES = ["{day} 27:61:00", "not a time", "2024-06-31 08:15:00", "25/06/2024 14:03:10", "{day} 1x:30:00"]
# What to break, and in how many of every 100,000 events.
FAULTS = {"time": 300, "track": 200, "user": 100, "repeat": 500, "empty": 150}

Event = tuple[str, str, str]


def users(random: Random) -> Iterable[Sequence[object]]:
    """Accounts, oldest first; every name is taken once."""
    created = datetime(2021, 3, 1, 9)
    taken: dict[str, int] = {}
    for user_id in range(1, USERS + 1):
        created += timedelta(seconds=random.randrange(60, 41_000))
        name = f"{random.choice(FIRST_NAMES)}.{random.choice(LAST_NAMES)}".lower()
        taken[name] = taken.get(name, 0) + 1
        yield user_id, name if taken[name] == 1 else f"{name}{taken[name]}", created


def artists(random: Random) -> list[str]:
    """People, bands and duos, in no order."""
    people = [f"{first} {last}" for first in FIRST_NAMES for last in LAST_NAMES]
    bands = [f"The {adjective} {noun}" for adjective in ADJECTIVES for noun in NOUNS]
    duos = [f"{one} & {other}" for one in FIRST_NAMES for other in FIRST_NAMES if one < other]
    names = random.sample(people, 140) + random.sample(bands, 110) + random.sample(duos, ARTISTS - 250)
    return random.sample(names, len(names))


def tracks(random: Random) -> list[tuple[int, str, str, str, str]]:
    """The catalogue: an artist keeps to one genre; durations in quarter seconds add up exactly."""
    names = artists(random)
    genres = random.choices(list(GENRES), [share for share, _ in GENRES.values()], k=ARTISTS)
    rows = []
    for track_id in range(1, TRACKS + 1):
        artist = int(random.random() * random.random() * ARTISTS)
        title = f"{random.choice(ADJECTIVES)} {random.choice(NOUNS)}"
        if random.random() < 0.3:
            title += random.choice([" (Acoustic)", " (Remix)", ", Pt. 2", " feat. " + random.choice(names)])
        if track_id % 90 == 0:
            title = random.choice(ODD_TITLES)
        duration = "" if random.random() < 0.005 else f"{90 + random.randrange(1_200) / 4}"
        rows.append((track_id, title, genres[artist], duration, names[artist]))
    return rows


def events(random: Random, genres: Sequence[str], day: date, count: int) -> list[Event]:
    """One day of listening, in the order of its hours, faults included."""
    liked = [random.randrange(1, 40) for _ in genres] if day is None else POPULARITY
    weights = [
        list(accumulate(like * GENRES[genre][1][part] for like, genre in zip(liked, genres, strict=True)))
        for part in range(4)
    ]
    per_hour = sorted(random.choices(range(24), HOUR_SHARES, k=count))
    rows: list[Event] = []
    return rows
