"""Import a CSV file into a project of its own, run that, and compare what arrives."""

from __future__ import annotations

import csv
import gzip
import json
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal

import duckdb
import yaml

from etl_framework.authoring.import_source import source_yaml
from etl_framework.errors import EtlError
from etl_framework.interval import DataInterval
from etl_framework.lint.linter import Linter
from etl_framework.plan.plan import build_plan
from etl_framework.project.project import load_project
from etl_framework.run.run import Run

ENVIRONMENTS = """\
default: local
environments:
  local:
    staging: .etl/staging
    connections:
      lake: {type: directory, path: lake}
      warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
"""
DAY = DataInterval(datetime(2024, 1, 1, tzinfo=UTC), datetime(2024, 1, 2, tzinfo=UTC))
Verdict = Literal["imports", "refused", "FAILED"]


@dataclass
class Outcome:
    """What became of a file.

    :ivar source: the block that was proposed.
    :ivar rows: what arrived, by column.
    """

    verdict: Verdict
    text: str = ""
    source: dict[str, Any] = field(default_factory=dict)
    rows: list[dict[str, Any]] = field(default_factory=list)
    rejected: int = 0


def imported(file: Path, root: Path) -> Outcome:
    """Import a file, lint and run the pipeline with it; errors of ours refuse the file.

    :param root: an empty folder for the project.
    """
    (root / "lake").mkdir(parents=True)
    (root / "pipelines").mkdir()
    (root / "sql_templates" / "p").mkdir(parents=True)
    (root / "environments.yml").write_text(ENVIRONMENTS)
    name = "in" + "".join(file.suffixes[-2:] if file.suffix == ".gz" else file.suffixes[-1:])
    shutil.copyfile(file, root / "lake" / name)
    try:
        block = source_yaml(load_project(root), None, "lake", name, "src")
    except EtlError as error:
        refusal = str(error)
        theirs = any(word in refusal for word in ("Error:", "DuckDB", "sniff", "Traceback"))
        return Outcome("FAILED" if theirs else "refused", refusal)
    source = yaml.safe_load(block)["src"]
    columns = source["columns"]
    names = ", ".join(f's."{column["name"]}"' for column in columns)
    (root / "sql_templates" / "p" / "k.sql").write_text(f"SELECT {names} FROM src AS s\n")
    contract = [{k: v for k, v in column.items() if k != "from"} for column in columns]
    declared = "".join(f"      - {json.dumps(column)}\n" for column in contract)
    (root / "pipelines" / "p.yml").write_text(
        f'name: p\nschedule: "@daily"\nstart_date: 2024-01-01\nsources:\n{block}kpis:\n  k:\n'
        "    sql: p/k.sql\n    target: {connection: warehouse, table: k}\n    columns:\n"
        + declared,
        encoding="utf-8",
    )
    mistakes = [str(found) for found in Linter(root).look() if found.severity == "error"]
    if mistakes:
        return Outcome("FAILED", "lint: " + mistakes[0], source)
    try:
        plan = build_plan(load_project(root), "p", None, DAY)
        results = {r.step: r for r in Run(plan).all_steps(lambda result: None)}
    except EtlError as error:
        return Outcome("FAILED", f"run: {error}", source)
    return Outcome(
        "imports", block, source, arrived(root), results["extract.src"].counts["rejected"]
    )


def arrived(root: Path) -> list[dict[str, Any]]:
    """The rows of the target."""
    with duckdb.connect(str(root / ".etl/warehouse.duckdb"), read_only=True) as session:
        session.execute("SET TimeZone = 'UTC'")
        result = session.execute("FROM k")
        names = [column[0] for column in result.description or ()]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def round_trip(file: Path, root: Path) -> Outcome:
    """Import a file, run it, and compare the values with those that Python's csv module reads."""
    outcome = imported(file, root)
    if outcome.verdict != "imports":
        return outcome
    source = outcome.source
    kinds = {column["name"]: kind(column["type"]) for column in source["columns"]}
    nulls = {"", *source.get("null_values", [])}
    wanted: Counter[tuple[Any, ...]] = Counter()
    for row in read(file, source):
        wanted[tuple(value(row.get(name), kinds[name], nulls) for name in kinds)] += 1
    got = Counter(
        tuple(value(row[name], kinds[name], nulls) for name in kinds) for row in outcome.rows
    )
    missing, more = wanted - got, got - wanted
    if more or missing.total() != outcome.rejected:
        shown = f"wanted {list(missing)[:2]}, got {list(more)[:2]}"
        return Outcome(
            "FAILED", f"{missing.total()} rows lost, {outcome.rejected} rejected: {shown}"
        )
    return outcome


def read(file: Path, source: dict[str, Any]) -> Iterator[dict[str, str]]:
    """The rows of a file as the source says that it is written; rows of a wrong length are left."""
    encoding = source.get("encoding", "utf-8-sig")
    opened = gzip.open if file.suffix == ".gz" else open
    quote = source.get("quote", '"')
    csv.field_size_limit(1 << 30)
    with opened(file, "rt", encoding=encoding, newline="") as text:
        rows = csv.reader(
            text,
            delimiter=source.get("delimiter", ","),
            quotechar=quote or None,
            quoting=csv.QUOTE_MINIMAL if quote else csv.QUOTE_NONE,
            escapechar=source.get("escape") or None,
        )
        for _ in range(source.get("skip", 0)):
            next(text)
        if source.get("header", True):
            there = {column.get("from", column["name"]): column for column in source["columns"]}
            found = [name.strip() for name in next(row for row in rows if row)]
            names = [there.get(name, {}).get("name", "") for name in found]
        else:
            names = [column["name"] for column in source["columns"]]
        for row in rows:
            if row:
                yield dict(zip(names, row, strict=False))


def kind(type_: str) -> str:
    """The word before the type's arguments."""
    return type_.partition("(")[0]


def value(written: Any, kind_: str, nulls: set[str]) -> Any:
    """A value in a form in which a text of a file and what arrived are equal if nothing is lost."""
    if written is None or (isinstance(written, str) and written in nulls):
        return None
    if kind_ == "varchar":
        return written
    text = str(written).strip()
    try:
        if kind_ == "boolean":
            return text.lower()
        if kind_ == "date":
            return date.fromisoformat(text)
        if kind_ in ("timestamp", "timestamptz"):
            moment = datetime.fromisoformat(text)
            return moment.astimezone(UTC) if moment.tzinfo else moment
        return Decimal(text)
    except (ValueError, ArithmeticError):
        return f"not {kind_}: {text}"
