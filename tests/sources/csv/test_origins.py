"""Rows that a check takes out are shown with the file and line that they came from."""

from __future__ import annotations

import gzip
import random
import shutil
import textwrap
from pathlib import Path
from typing import Any

import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Rejected, Selection
from etl_framework.run.run import Run
from tests.conftest import Folder, bucket, in_the_cluster

HEADER = "n,t\n"
PIPELINE = """
    name: p
    schedule: "@daily"
    sources:
      s:
        type: csv
        connection: lake
        path: "s/*"
        max_rejected: "100%"
        may_be_empty: true
        columns:
          - {name: n, type: integer}
          - {name: t, type: varchar(100)}
        checks:
          - {type: accepted_range, column: n, min: 0, on_fail: quarantine}
    """


def taken_out(folder: Folder, files: dict[str, str | bytes]) -> list[Rejected]:
    """The rows with a negative number, of a run over these files."""
    folder.write("pipelines/p.yml", PIPELINE)
    for name, content in files.items():
        file = folder.root / "lake/s" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(content.encode() if isinstance(content, str) else content)
    folder.run("p")
    return list(Quarantine(load_project(folder.root), None, "s").rows(Selection()))


def places(rows: list[Rejected]) -> list[tuple[Any, ...]]:
    return [(row.file, row.line, row.row) for row in rows]


@pytest.mark.parametrize(
    ("content", "line", "row"),
    [
        pytest.param("1,a\n-2,b\n3,c\n", 3, "-2,b", id="in the middle"),
        pytest.param("1,a\n-2,b", 3, "-2,b", id="in a last line without an end"),
        pytest.param("1,a\r\n-2,b\r\n", 3, "-2,b", id="in lines that end as on Windows"),
        pytest.param("1,a\n\n\n-2,b\n", 5, "-2,b", id="behind blank lines"),
        pytest.param("1,a\n-2,b\n\n", 3, "-2,b", id="before a blank line"),
        pytest.param('1,"a\nb"\n-2,b\n', 4, "-2,b", id="behind a newline in quotes"),
        pytest.param('1,a\n-2,"b\nc"\n', 3, '-2,"b\nc"', id="with a newline in quotes"),
        pytest.param('1,a\n-2,"b ""c"", d"\n', 3, '-2,"b ""c"", d"', id="with quotes"),
        pytest.param("1,ä\n-2,ö\n", 3, "-2,ö", id="with text beyond ASCII"),
    ],
)
@pytest.mark.parametrize("packed", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_the_line_and_the_row_as_it_came(
    folder: Folder, content: str, line: int, row: str, packed: bool
) -> None:
    data = (HEADER + content).encode()
    name = "1.csv.gz" if packed else "1.csv"

    rows = taken_out(folder, {name: gzip.compress(data) if packed else data})

    assert places(rows) == [(f"s/{name}", line, row)]
    assert rows[0].values["n"] == "-2"


def test_of_many_files_with_rows_that_do_not_parse_among_them(folder: Folder) -> None:
    dice = random.Random(7)
    files: dict[str, str | bytes] = {}
    expected = []
    for number in range(40):
        name, lines = f"{number:02}.csv", [HEADER]
        while len(lines) < dice.choice([1, 3, 50]):
            kind = dice.choice(["good", "good", "good", "bad", "taken", "rounded"])
            text = {"good": "1,x", "bad": "one,x", "taken": "-1,y", "rounded": "1.5,x"}[kind]
            lines.append(text + "\n")
            if kind != "good":
                expected.append((f"s/{name}", len(lines), text))
        files[name] = "".join(lines)

    rows = taken_out(folder, files)

    assert sorted(places(rows)) == sorted(expected)
    assert len({row.id for row in rows}) == len(expected)


def test_rows_beyond_one_block_of_a_file(folder: Folder) -> None:
    filling = "".join(f"{n},{'x' * 90}\n" for n in range(60_000))
    content = HEADER + "-1,a\n" + filling + "-2,b\n" + filling + "-3,c\n"

    assert places(taken_out(folder, {"1.csv": content})) == [
        ("s/1.csv", 2, "-1,a"), ("s/1.csv", 60_003, "-2,b"), ("s/1.csv", 120_004, "-3,c"),
    ]  # fmt: skip


def test_a_row_keeps_its_id_when_it_is_read_again(folder: Folder) -> None:
    files: dict[str, str | bytes] = {"1.csv": HEADER + "-1,a\n-1,a\nx,b\n"}

    first = taken_out(folder, files)
    second = taken_out(folder, {**files, "0.csv": HEADER + "-5,z\n"})

    assert {row.id for row in first} < {row.id for row in second}
    assert len(second) == 4


@pytest.mark.parametrize("quote", ["", '"'], ids=["plain", "with quotes"])
def test_rows_whose_moments_are_written_in_another_way(folder: Folder, quote: str) -> None:
    usual = [f"{n},2024-06-25 10:00:00.{n + 1}" for n in range(40)]
    usual[20:20] = ["-7,2024-06-25 10:00:00", "8,2024-06-25", "9,soon", "-9,2024-06-25 10:00"]
    usual[0] = f"0,{quote}2024-06-25 10:00:00.5{quote}"
    pipeline = PIPELINE.replace("t, type: varchar(100)", "t, type: timestamp")
    folder.write("pipelines/p.yml", pipeline)
    folder.write("lake/s/1.csv", HEADER + "\n".join(usual) + "\n")

    results = folder.run("p")

    rows = Quarantine(load_project(folder.root), None, "s").rows(Selection())
    assert sorted((row.line, row.rule.split()[0], row.row) for row in rows) == [
        (22, "accepted_range", "-7,2024-06-25 10:00:00"), (24, "parse", "9,soon"),
        (25, "accepted_range", "-9,2024-06-25 10:00"),
    ]  # fmt: skip
    assert results["check.s"].counts == {"rows": 43, "kept": 41, "quarantined": 2}


@pytest.mark.slow
def test_of_a_source_that_another_worker_read(folder: Folder, stack: Stack) -> None:
    """Its files lie in S3 and have the same paths on all workers, as on MWAA."""
    in_the_cluster(folder, "duckdb")
    bucket().write("s/1.csv", b"n,t\n1,a\n-2,b\n")
    folder.write("pipelines/p.yml", PIPELINE)
    run = Run(folder.plan("p"))
    run.one_step("extract.s")
    shutil.rmtree(folder.root / ".etl")

    Run(folder.plan("p")).one_step("check.s")

    rows = list(Quarantine(load_project(folder.root), None, "s").rows(Selection()))
    assert places(rows) == [("s/1.csv", 3, "-2,b")]


@pytest.mark.slow
@pytest.mark.parametrize("place", ["here", "in S3"])
def test_of_a_source_that_was_read_elsewhere(
    folder: Folder, stack: Stack, tmp_path: Path, place: str
) -> None:
    """The run was killed, and goes on in another folder or on another machine."""
    if place == "in S3":
        in_the_cluster(folder, "duckdb")
        bucket().write("s/1.csv", b"n,t\n1,a\n-2,b\n")
    folder.write("pipelines/p.yml", PIPELINE)
    folder.write("lake/s/1.csv", "n,t\n1,a\n-2,b\n")
    Run(folder.plan("p")).one_step("extract.s")
    if place == "in S3":
        shutil.rmtree(folder.root / ".etl")
    other = Folder(folder.root.rename(tmp_path.with_name(f"{tmp_path.name}-elsewhere")))

    other.run("p")

    rows = list(Quarantine(load_project(other.root), None, "s").rows(Selection()))
    assert places(rows) == [("s/1.csv", 3, "-2,b")]


def test_of_a_file_that_is_in_the_archive_by_now(folder: Folder) -> None:
    text = PIPELINE.replace('path: "s/*"', 'path: "s/*"\n        archive: processed/')
    kpi = """
    kpis:
      k:
        sql: k.sql
        target: {connection: warehouse, table: k}
        columns: [{name: n, type: integer}]
    """
    folder.write("pipelines/p.yml", textwrap.dedent(text) + textwrap.dedent(kpi))
    folder.write("sql_templates/k.sql", "SELECT n FROM s")
    folder.write("lake/s/1.csv", "n,t\n1,a\n-2,b\n")
    folder.run("p")
    first = list(Quarantine(load_project(folder.root), None, "s").rows(Selection()))
    file = folder.root / "pipelines/p.yml"
    file.write_text(file.read_text().replace("min: 0", "min: -1"))

    assert folder.run("p")["check.s"].state == "done"
    again = list(Quarantine(load_project(folder.root), None, "s").rows(Selection()))
    assert places(again) == places(first) == [("s/1.csv", 3, "-2,b")]
    assert [row.id for row in again] == [row.id for row in first]

    (folder.root / "lake/processed/s/1.csv").unlink()
    file.write_text(file.read_text().replace("min: -1", "min: 0"))
    assert folder.run("p")["check.s"].state == "done"
    unknown = Quarantine(load_project(folder.root), None, "s").rows(Selection())
    assert [(row.file, row.values["n"]) for row in unknown] == [(None, "-2")]
