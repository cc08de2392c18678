"""The music KPIs in plain Python, from the sample files: what the pipeline must agree with."""

from __future__ import annotations

import csv
import gzip
import io
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

Row = tuple[Any, ...]
Event = tuple[int, int, datetime]


@dataclass
class Expected:
    """Tables and counts, as DESIGN.md section 6 defines them."""

    genre: list[Row] = field(default_factory=list)
    hourly: list[Row] = field(default_factory=list)
    counts: dict[str, dict[str, int]] = field(default_factory=dict)


def rounded(value: Fraction, places: int) -> Decimal:
    """Half up, computed with whole numbers."""
    scaled = Fraction(value) * 10**places
    whole = (scaled.numerator * 2 + scaled.denominator) // (scaled.denominator * 2)
    return (Decimal(whole) / 10**places).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)


def read(file: Path) -> list[dict[str, str]]:
    packed = file.read_bytes()
    text = (gzip.decompress(packed) if file.suffix == ".gz" else packed).decode()
    return list(csv.DictReader(io.StringIO(text, newline="")))


def expected(sample: Path) -> Expected:
    users = {int(row["user_id"]) for row in read(sample / "rds/users.csv")}
    tracks = {int(row["track_id"]): row for row in read(sample / "rds/tracks.csv")}
    rows = [r for f in sorted((sample / "lake/streaming-data").iterdir()) for r in read(f)]
    kept: list[Event] = []
    unparsed = 0
    for row in rows:
        try:
            time = datetime.strptime(row["listen_time"], "%Y-%m-%d %H:%M:%S")
            event = int(row["user_id"]), int(row["track_id"]), time
        except ValueError:
            unparsed += 1
            continue
        if event[0] in users and event[1] in tracks:
            kept.append(event)
    found = Expected(_genre(set(kept), tracks), _hourly(set(kept), tracks))
    for name, read_, good in (
        ("users", len(users), len(users)),
        ("tracks", len(tracks), len(tracks)),
        ("streams", len(rows), len(kept)),
    ):
        found.counts[name] = {"read": read_, "kept": good, "quarantined": read_ - good}
    assert 0 < unparsed < found.counts["streams"]["quarantined"]
    return found


def _genre(listens: set[Event], tracks: dict[int, dict[str, str]]) -> list[Row]:
    of_genre: dict[str, Counter[int]] = defaultdict(Counter)
    for _, track, _ in listens:
        of_genre[tracks[track]["genre"]][track] += 1
    table = []
    for genre, counts in sorted(of_genre.items()):
        timed = {t: n for t, n in counts.items() if tracks[t]["duration"]}
        seconds = sum(Fraction(tracks[t]["duration"]) * n for t, n in timed.items())
        top = min(counts, key=lambda t: (-counts[t], t))
        total = counts.total()
        mean = rounded(Fraction(seconds) / sum(timed.values()), 2)
        share = rounded(Fraction(100 * total, len(listens)), 2)
        table.append((genre, total, mean, share, str(top)))
    return table


def _hourly(listens: set[Event], tracks: dict[int, dict[str, str]]) -> list[Row]:
    by_hour: dict[int, list[Event]] = defaultdict(list)
    for event in listens:
        by_hour[event[2].hour].append(event)
    table = []
    for hour, events in sorted(by_hour.items()):
        artists = Counter(tracks[track]["artist"] for _, track, _ in events)
        top = min(artists, key=lambda artist: (-artists[artist], artist))
        diversity = rounded(Fraction(len({track for _, track, _ in events}), len(events)), 6)
        table.append((hour, len({user for user, _, _ in events}), top, diversity))
    return table
