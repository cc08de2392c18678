"""CSV files that chance makes, whose values are known: `python -m tests.corpus.generated SEEDS`."""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.corpus.round_trip import imported, kind, value

ODD = [
    "é",
    "日本",
    "😀",
    "'",
    "#",
    "%",
    "{{",
    "\\",
    " ",
    "=",
    "NA",
    "-",
    "null",
    "0",
    "x",
    "a b",
    "\x0b",
]
VALUES: dict[str, Callable[[random.Random], str]] = {
    "whole": lambda chance: str(chance.randint(-(10 ** chance.randint(1, 18)), 10**9)),
    "zip": lambda chance: f"{chance.randint(0, 99999):05}",
    "phone": lambda chance: f"+{chance.randint(1, 10**12)}",
    "money": lambda chance: f"{chance.uniform(-1e6, 1e6):.2f}",
    "double": lambda chance: repr(chance.uniform(-1, 1) * 10 ** chance.randint(-20, 20)),
    "digits": lambda chance: f"{chance.randint(0, 10**30)}.{chance.randint(0, 10**6)}",
    "shortened": lambda chance: chance.choice([str(chance.randint(1, 10**18)), "7.02608E+17"]),
    "word": lambda chance: chance.choice(["true", "false"]),
    "yes": lambda chance: chance.choice(["YES", "NO", "Y", "N", "T", "F", "1", "0"]),
    "day": lambda chance: (
        f"20{chance.randint(10, 99)}-0{chance.randint(1, 9)}-{chance.randint(10, 28)}"
    ),
    "short day": lambda chance: f"{chance.randint(10, 28)}-0{chance.randint(1, 9)}-24",
    "time": lambda chance: f"2024-06-25T0{chance.randint(0, 9)}:{chance.randint(10, 59)}:00",
    "zoned": lambda chance: f"2024-06-25 0{chance.randint(0, 9)}:00:{chance.randint(10, 59)}Z",
    "text": lambda chance: "".join(chance.choices(ODD, k=chance.randint(1, 5))),
    "mixed": lambda chance: VALUES[chance.choice(["whole", "zip", "money", "day", "text"])](chance),
}


@dataclass(frozen=True)
class Made:
    """A file with its rows, as they were before they were written; None for no value."""

    content: bytes
    names: Sequence[str]
    rows: Sequence[Sequence[str | None]]


def made(seed: int) -> Made:
    """The file of a seed."""
    chance = random.Random(seed)
    kinds = ["whole", *(chance.choice(list(VALUES)) for _ in range(chance.randint(1, 5)))]
    names = [f"c{number}_{kind_.replace(' ', '_')}" for number, kind_ in enumerate(kinds)]
    many, missing = chance.choice([3, 20, 150]), chance.choice(["", "", "NA", "NULL"])
    holes = chance.choice([0, 0, 0.1])
    rows: list[list[str | None]] = [
        [str(number), *(None if chance.random() < holes else VALUES[k](chance) for k in kinds[1:])]
        for number in range(many)
    ]
    delimiter, escape = chance.choice(",;\t|"), chance.choice(["", "", "\\"])
    end, inner = chance.choice(["\n", "\r\n"]), chance.choice(["", "\n", delimiter, '"'])
    for row in rows[:: chance.randint(1, 20)]:
        if kinds[-1] == "text" and row[-1]:
            row[-1] += inner
    if not any('"' in (text or "") for row in rows for text in row):
        escape = ""  # nothing in the file would tell that a backslash means anything

    def written(text: str | None) -> str:
        if text is None:
            return missing
        quoted = any(mark in text for mark in (delimiter, '"', "\n", "\r")) or text == missing
        if not quoted and not (kinds[-1] == "text" and escape and "\\" in text):
            return text.replace("\\", "\\\\") if escape else text
        if escape:
            return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
        return '"' + text.replace('"', '""') + '"'

    lines = [delimiter.join(map(written, row)) for row in [names, *rows]]
    encoding = chance.choice(["utf-8", "utf-8", "utf-8-sig", "utf-16"])
    return Made((end.join(lines) + end).encode(encoding), names, rows)


def lost(file: Made, root: Path) -> str:
    """What is lost when a file is imported and run; empty if nothing, `refused: …` for a sentence.

    :param root: an empty folder.
    """
    path = root / "in.csv"
    path.write_bytes(file.content)
    outcome = imported(path, root / "project")
    if outcome.verdict != "imports":
        return f"{outcome.verdict}: {outcome.text}"
    columns = {column["name"]: kind(column["type"]) for column in outcome.source["columns"]}
    if list(columns) != list(file.names):
        return f"FAILED: columns {list(columns)}"
    nulls = set(outcome.source.get("null_values", []))
    arrived = sorted(outcome.rows, key=lambda row: int(row[file.names[0]]))
    if len(arrived) + outcome.rejected != len(file.rows):
        return f"FAILED: {len(arrived)} of {len(file.rows)} rows"
    by_number = {str(row[file.names[0]]): row for row in arrived}
    for row in file.rows:
        there = by_number.get(str(row[0]))
        for name, text in zip(file.names, row, strict=True) if there else ():
            if not _same((there or {})[name], text, columns[name], nulls):
                return f"FAILED: {name} {columns[name]}: {text!r} became {(there or {})[name]!r}"
    return ""


def _same(arrived: Any, text: str | None, type_: str, nulls: set[str]) -> bool:
    if type_ == "varchar":
        # What was left out may have been written as a word that texts have, too.
        return arrived == text or (text is None and arrived in (None, "NA", "NULL"))
    if arrived is None:
        return text is None or text in nulls
    return value(arrived, type_, set()) == value(text, type_, set())


def main() -> None:
    """Try as many seeds as are asked for, and exit with 1 if something was lost."""
    bad = refused = 0
    for seed in range(int(sys.argv[1])):
        with tempfile.TemporaryDirectory() as root:
            problem = lost(made(seed), Path(root))
        refused += problem.startswith("refused")
        bad += problem.startswith("FAILED")
        if problem:
            print(f"seed {seed}: {problem}", flush=True)
    print(f"{bad} lost something, {refused} refused")
    sys.exit(1 if bad else 0)


if __name__ == "__main__":
    main()
