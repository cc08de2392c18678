"""What `etl import` proposes for a CSV file loses nothing: it is imported, linted and run."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import pytest

from tests.corpus.round_trip import Outcome, round_trip


def proposed(tmp_path: Path, text: str | bytes) -> Outcome:
    file = tmp_path / "in.csv"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return round_trip(file, tmp_path / "project")


def rows(first: str, *values: str) -> str:
    return "\n".join([first, *values]) + "\n"


@pytest.mark.parametrize(
    ("text", "type_"),
    [
        pytest.param(rows("id", *["12"] * 500, "01067"), "varchar(10)", id="one leading zero"),
        pytest.param(rows("id", *["+49300"] * 200), "varchar(20)", id="plus signs"),
        pytest.param(rows("id", *["05-01-24"] * 200), "varchar(20)", id="two digits of a year"),
        pytest.param(rows("id", "NO", "NO"), "varchar(5)", id="a country"),
        pytest.param(rows("id", "true", "false"), "boolean", id="words of truth"),
        pytest.param(rows("id", "765629939811020802", "7.02608E+17"), "varchar(50)",
                     id="numbers that a spreadsheet spoilt"),
    ],
)  # fmt: skip
def test_a_column_is_of_a_type_that_loses_nothing(tmp_path: Path, text: str, type_: str) -> None:
    outcome = proposed(tmp_path, text)

    assert outcome.verdict == "imports", outcome.text
    assert [column["type"] for column in outcome.source["columns"]] == [type_]


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param('a\tb\n1\t"\n2\t!"\n3\tx\n', {"quote": ""}, id="no quotes"),
        pytest.param('a,b\n1,"x \\"y\\" z"\n2,"v"\n', {"escape": "\\"}, id="a backslash"),
        pytest.param("a,b\n1,é\n2,ü\n".encode("utf-16"), {"encoding": "utf-16"}, id="UTF-16"),
    ],
)
def test_how_a_file_is_written_is_proposed(
    tmp_path: Path, text: str | bytes, keys: dict[str, Any]
) -> None:
    outcome = proposed(tmp_path, text)

    assert outcome.verdict == "imports", outcome.text
    assert {key: outcome.source.get(key) for key in keys} == keys


@pytest.mark.parametrize("seed", range(12))
def test_random_files_arrive_as_they_are(tmp_path: Path, seed: int) -> None:
    draw = random.Random(seed)
    words = ["x", "Köln", "a b", "it's", "0", "007", "+1", "1.50", "1e5", "NO", "true", "5-1-24",
             "2024-01-31", "2024-01-31T10:00:00Z", "12345678901234567890", "-", "3"]  # fmt: skip
    columns = [draw.sample(words, draw.randint(1, 4)) for _ in range(draw.randint(2, 5))]
    lines = [
        ",".join(f'"{draw.choice(column)}"' for column in columns)
        for _ in range(draw.randint(1, 300))
    ]
    outcome = proposed(
        tmp_path, rows(",".join(f"c{index}" for index in range(len(columns))), *lines)
    )

    assert outcome.verdict == "imports", outcome.text
