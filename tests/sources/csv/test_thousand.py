"""Hundreds of generated dirty files: every row is kept, or rejected at its line with its reason.

Ten runs, each of files with rows that do not parse and rows that break a check, and each written
in another way.
"""

from __future__ import annotations

import gzip
import json
import random
from dataclasses import dataclass, field
from typing import Any

import pytest
import yaml

from etl_framework.project.project import load_project
from etl_framework.quarantine.rows import Quarantine, Selection
from etl_framework.storage.parquet import as_path
from tests.conftest import Folder
from tests.thorough import amount

FILES = amount(25, 100)
KEPT = [
    "{n},ada,1.50,2024-06-25 08:00:00",
    '{n},"a, b",1e1,2024-06-25',
    '{n},"a ""b""",1.0,2024-06-25T10:00:00',
    " {n} ,é€😀,1,2024-06-25",
    "{n},,,",
    '{n},"a\nb",1,2024-06-25',
]
UNREADABLE = [
    "x,ada,1.50,2024-06-25",
    "{n},ada,1.505,2024-06-25",
    "{n}.5,ada,1.50,2024-06-25",
    "99999999999,ada,1.50,2024-06-25",
    "{n},ada,1.50,2024-06-31",
    "{n},ada,1.50,2024-06-25 10:00:00+02",
    "{n},ada",
    "{n},ada,1.50,2024-06-25,5,6",
    "{n},a name of more than twenty bytes,1.50,2024-06-25",
    '{n},"a"b,1.50,2024-06-25',
    "   ",
]
TAKEN_OUT = ["{n},eve,-1,2024-06-25", '{n},"e\nve",-2.5,', ",ada,1.50,2024-06-25"]
WAYS: list[dict[str, Any]] = [
    {},
    {"packed": True},
    {"end": "\r\n"},
    {"options": {"delimiter": ";"}},
    {"options": {"header": False}},
    {"options": {"encoding": "utf-16"}},
    {"options": {"encoding": "gb18030"}},
    {"options": {"null_values": ["-"]}},
    {"end": "\r\n", "packed": True},
    {"options": {"delimiter": "\t", "header": False}, "packed": True},
]


@dataclass
class Written:
    """What the files hold."""

    kept: list[int] = field(default_factory=list)
    unreadable: list[tuple[str, int]] = field(default_factory=list)
    taken_out: list[tuple[str, int]] = field(default_factory=list)


def write(folder: Folder, name: str, rng: random.Random, way: dict[str, Any], to: Written) -> int:
    """Write one file; returns how many rows it has."""
    end, options = way.get("end", "\n"), way.get("options", {})
    lines = ["order_id,customer,amount,ordered_at"] if options.get("header", True) else []
    line, count = len(lines) + 1, rng.randint(0, 30)
    for number in range(count):
        key = len(to.kept) + number * 7
        kinds = rng.choices((KEPT, UNREADABLE, TAKEN_OUT), (6, 2, 2))[0]
        row = rng.choice(kinds).format(n=key)
        if kinds is KEPT:
            to.kept.append(key)
        else:
            (to.unreadable if kinds is UNREADABLE else to.taken_out).append((name, line))
        blanks = rng.choice([0, 0, 0, 0, 1])
        lines += [row] + [""] * blanks
        line += row.count("\n") + 1 + blanks
    text = "\n".join(lines) + rng.choice(["", "\n"])
    if delimiter := options.get("delimiter"):
        text = text.replace(", ", "\0").replace(",", delimiter).replace("\0", ", ")
    data = text.replace("\n", end).encode(options.get("encoding", "utf-8"))
    file = folder.root / "lake" / name
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(gzip.compress(data) if way.get("packed") else data)
    return count


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS, ids=lambda way: json.dumps(way))
def test_dirty_files_add_up(orders: Folder, way: dict[str, Any]) -> None:
    rng, to = random.Random(json.dumps(way)), Written()
    suffix = ".csv.gz" if way.get("packed") else ".csv"
    read = sum(write(orders, f"dirty/{n:03}{suffix}", rng, way, to) for n in range(FILES))
    file = orders.root / "pipelines/orders.yml"
    pipeline = yaml.safe_load(file.read_text())
    check = {"type": "accepted_range", "column": "amount", "min": 0, "on_fail": "quarantine"}
    pipeline["sources"]["orders"] |= {
        "path": "dirty/*", "max_rejected": "100%", "checks": [check], **way.get("options", {}),
    }  # fmt: skip
    del pipeline["kpis"]["totals"]["columns"][0]["primary_key"]
    file.write_text(yaml.safe_dump(pipeline, sort_keys=False))

    results = orders.run("orders")

    rows = list(Quarantine(load_project(orders.root), None, "orders").rows(Selection()))
    found: dict[bool, list[tuple[Any, Any]]] = {True: [], False: []}
    for row in rows:
        found[row.rule == "parse"].append((row.file, row.line))
    assert sorted(found[True]) == sorted(to.unreadable)
    assert sorted(found[False]) == sorted(to.taken_out)
    assert len({row.id for row in rows}) == len(rows)
    data = next(orders.root.glob(".etl/staging/orders/*/check.orders/data/*.parquet"))
    kept = orders.query(f"SELECT order_id FROM read_parquet({as_path(data)}) ORDER BY 1")
    assert [key for (key,) in kept] == sorted(to.kept)
    ((sources,),) = orders.query("SELECT sources FROM etl_ledger")
    counts = {"read": read, "kept": len(to.kept), "quarantined": len(rows)}
    assert json.loads(sources) == [{"source": "orders", **counts}]
    assert results["check.orders"].counts["kept"] == len(to.kept)
