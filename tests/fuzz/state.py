"""Break the files that a finished run left, and see what the next run makes of them.

`python -m tests.fuzz.state ROUNDS [FIRST]` breaks one or two files, on this machine and in S3 in
turn, and runs the pipeline again, as often as asked. The run must give the right tables and
quarantine, or refuse with an error of ours that names the file, and destroy nothing.
"""

from __future__ import annotations

import hashlib
import os
import random
import shutil
import sys
import tempfile
import time
import traceback
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl_framework.devstack.moto_server import start_moto
from etl_framework.devstack.stack import BUCKET
from etl_framework.errors import EtlError
from etl_framework.lint.linter import Linter
from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Selection
from etl_framework.storage.decisions import Decision
from etl_framework.storage.s3 import S3Prefix
from tests.conftest import ORDERS, ROWS, TOTALS, Folder

DAY = "2024-06-25"
URL = "ETL_FUZZ_S3_URL"
# What no run can make again: it is refused when it is broken, and stays as it is.
PRECIOUS = ("decisions/", "files/", "replays/")
PIPELINE = ORDERS.replace("50%", "90%").replace(
    "kpis:",
    """    checks:
      - {type: accepted_range, column: amount, min: 6, on_fail: quarantine}
  cities:
    type: csv
    connection: lake
    path: cities/*.csv
    archive: processed/
    columns: [{name: city, type: varchar(20)}]
kpis:
  places:
    sql: orders/places.sql
    target: {connection: warehouse, table: places}
    columns: [{name: city, type: varchar(20)}]""",
)
ENVIRONMENTS = """
default: local
environments:
  local:
    staging: STAGING
    staging_connection: bucket
    connections:
      bucket: {type: s3, bucket: music-lake, endpoint_url: "{{ env.ETL_FUZZ_S3_URL }}"}
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""
WORDS = (
    b"", b"\0\xff\xfe\x80", b"{}", b"[]", b"null", b"7", b'"x"', b"[[1]]", b'{"digest": 1}',
    b"<html><body>Log in</body></html>", b"[" * 20_000, b"PAR1PAR1", b"1e999", b"NaN",
)  # fmt: skip
State = dict[str, bytes]


def broken(data: bytes, dice: random.Random) -> bytes:
    """A file's content with one thing wrong."""
    place = dice.randrange(len(data)) if data else 0
    return dice.choice(
        (
            lambda: data[:place],
            lambda: (
                data[:place] + bytes([data[place] ^ (1 << dice.randrange(8))]) + data[place + 1 :]
                if data
                else b"x"
            ),
            lambda: data[:place] + dice.choice(WORDS) + data[place:] + b" ",
            lambda: dice.choice(WORDS),
            lambda: data[place:],
        )
    )()


@dataclass(frozen=True)
class Broken:
    """What was broken in a round, whether the run was refused, and what is wrong with that."""

    round: int
    files: tuple[str, ...]
    refused: bool
    wrong: str


@dataclass
class Lab:
    """A project after a run with a corrected row, a dropped one and an archived file.

    :param files: the content of every file of the project; `objects` of the bucket alike.
    :param times: when the files were written, by which a directory tells versions apart.
    :param right: what the tables and the quarantine hold; `findings` what lint tells.
    """

    folder: Folder
    place: S3Prefix | None
    files: State = field(default_factory=dict)
    times: dict[str, int] = field(default_factory=dict)
    objects: State = field(default_factory=dict)
    right: Any = None
    findings: Any = None

    def restore(self) -> None:
        """Make everything as it was after the run."""
        for path in self.folder.root.iterdir():
            shutil.rmtree(path) if path.is_dir() else path.unlink()
        for name, data in self.files.items():
            file = self.folder.root / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(data)
            os.utime(file, ns=(self.times[name], self.times[name]))
        if self.place:
            tags = {found.name: found.tag for found in self.place.listed()}
            self.place.delete([name for name in tags if name not in self.objects])
            for name, data in self.objects.items():
                if tags.get(name) != hashlib.md5(data).hexdigest():
                    self.place.write(name, data)

    def ours(self) -> list[str]:
        """The files that we read back; those in S3 begin with `s3:`."""
        local = [
            name for name in self.files
            if name.startswith(".etl/") and not name.endswith((".lock", ".duckdb", ".wal"))
        ]  # fmt: skip
        return sorted(local) + [f"s3:{name}" for name in sorted(self.objects)]

    def read(self, name: str) -> bytes | None:
        if name.startswith("s3:"):
            return self.place.read(name[3:]) if self.place else None
        file = self.folder.root / name
        return file.read_bytes() if file.is_file() else None

    def write(self, name: str, data: bytes) -> None:
        if name.startswith("s3:"):
            assert self.place
            self.place.write(name[3:], data)
        else:
            (self.folder.root / name).write_bytes(data)

    def save(self) -> None:
        """Remember how everything is."""
        root = self.folder.root
        files = {str(f.relative_to(root)): f for f in root.rglob("*") if f.is_file()}
        self.files = {name: file.read_bytes() for name, file in files.items()}
        self.times = {name: file.stat().st_mtime_ns for name, file in files.items()}
        if self.place:
            names = [found.name for found in self.place.listed()]
            self.objects = {name: self.place.read(name) or b"" for name in names}
        self.right = self.state()

    def state(self) -> Any:
        """The tables, the counts in the ledger, and what the quarantine tells of each row."""
        rows = Quarantine(load_project(self.folder.root), None, "orders").rows(Selection())
        kept = [
            (
                row.id,
                row.rule,
                row.reason,
                row.file,
                row.line,
                row.column,
                row.row,
                row.values,
                row.state,
            )
            for row in rows
        ]
        tables = [self.folder.query(f"FROM {name} ORDER BY ALL") for name in ("totals", "places")]
        return tables, self.folder.query("SELECT sources, checks, targets FROM etl_ledger"), kept


def prepare(folder: Folder, place: S3Prefix | None) -> Lab:
    """A project in which everything has happened that leaves a file of ours."""
    staging = "s3://music-lake/fuzz" if place else ".etl/staging"
    folder.write("environments.yml", ENVIRONMENTS.replace("STAGING", staging))
    folder.write("pipelines/orders.yml", PIPELINE)
    folder.write("sql_templates/orders/totals.sql", TOTALS)
    folder.write("sql_templates/orders/places.sql", "SELECT city FROM cities")
    folder.write("lake/cities/1.csv", "city\nRome\nOslo\n")
    folder.write("lake/orders/1.csv", ROWS)
    bad = "order_id,customer,amount,ordered_at\nfour,eve,8.00,\nfive,fay,9.00,\n6,gus,1.00,\n"
    folder.write("lake/orders/2.csv", bad)
    folder.run("orders")
    quarantine = Quarantine(load_project(folder.root), None, "orders")
    by_text = {row.row[:4]: row for row in quarantine.rows(Selection())}
    four, five = by_text["four"], by_text["five"]
    corrected = Decision(four.rule, {**four.values, "order_id": "4"})
    quarantine.decide({four.interval: {four.id: corrected, five.id: Decision(five.rule)}})
    folder.run("orders")
    lab = Lab(folder, place)
    lab.findings = Linter(folder.root, keep=True, jobs=1).look()
    lab.save()
    return lab


def tried(lab: Lab, seed: int) -> Broken:
    """Break something, run again, and return what is wrong with the outcome, if anything is."""
    dice = random.Random(seed)
    lab.restore()
    names = tuple(dice.sample(lab.ours(), dice.choice((1, 1, 1, 2))))
    for name in names:
        data = lab.read(name) or b""
        lab.write(name, broken(data, dice))
    before = {name: lab.read(name) for name in lab.ours() if any(p in name for p in PRECIOUS)}
    refused, what = _outcome(lab, names)
    if gone := [name for name in before if lab.read(name) != before[name]]:
        what += f"\ndestroyed: {', '.join(gone)}"
    return Broken(seed, names, refused, what)


def _outcome(lab: Lab, names: tuple[str, ...]) -> tuple[bool, str]:
    """Return whether the run was refused, and what is wrong with the outcome."""
    try:
        if ".etl/lint.json" in names:
            found = Linter(lab.folder.root, keep=True, jobs=1).look()
            if found != lab.findings:
                return False, f"lint tells otherwise: {found}"
        lab.folder.run("orders")
        state = lab.state()
    except EtlError as error:
        told = str(error)
        if not any(part in name for name in names for part in PRECIOUS):
            return True, f"refused, though a run can make it again: {told}"
        return True, "" if "R340" in told and "hint" in told else f"no clear refusal: {told}"
    except Exception:  # noqa: BLE001 - whatever it is, a run must not raise it
        return False, traceback.format_exc(limit=-6)
    return False, "" if state == lab.right else f"another outcome:\n{state}\nnot\n{lab.right}"


@contextmanager
def laboratories(folder: Path) -> Iterator[list[Lab]]:
    """A project with its staging on this machine, and one with its staging in S3."""
    from etl_framework.connections.s3 import S3

    with ExitStack() as until:
        os.environ[URL] = start_moto(until)
        for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
            os.environ.setdefault(name, "fuzz")
        os.environ.setdefault("AWS_DEFAULT_REGION", "eu-west-1")
        bucket = S3(type="s3", bucket=BUCKET, endpoint_url="{{ env.ETL_FUZZ_S3_URL }}").open()
        place = {"LocationConstraint": "eu-west-1"}
        bucket.client.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        yield [
            prepare(Folder(folder / "here"), None),
            prepare(Folder(folder / "there"), bucket / "fuzz"),
        ]


def main() -> None:
    given = [int(argument) for argument in sys.argv[1:3]]
    rounds, first = (given + [2000, 0][len(given) :])[:2]
    started, refused, wrong = time.perf_counter(), 0, 0
    folder = tempfile.TemporaryDirectory(prefix="etl-state-")
    with folder as name, laboratories(Path(name)) as labs:
        for seed in range(first, first + rounds):
            found = tried(labs[seed % len(labs)], seed)
            refused += found.refused
            if found.wrong:
                wrong += 1
                print(f"round {found.round}: {', '.join(found.files)}\n{found.wrong}", flush=True)
            if (seed - first) % 100 == 99:
                seconds = time.perf_counter() - started
                print(f"{seed - first + 1:,} in {seconds:.0f} s", file=sys.stderr, flush=True)
    seconds = time.perf_counter() - started
    print(
        f"{rounds:,} broken states in {seconds:.0f} s: {rounds - refused - wrong:,} mended, "
        f"{refused:,} refused, {wrong:,} wrong"
    )
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
