"""Some rows of a source, with the files and lines that they came from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.columns import MASK
from etl_framework.engines.origins import origins_of, reading_again
from etl_framework.engines.work import Work
from etl_framework.errors import EtlError
from etl_framework.plan.plan import Plan
from etl_framework.sources.base import Source
from etl_framework.sql.quote import names, quote
from etl_framework.storage.parquet import FILE, ROW, see
from etl_framework.workbench.inputs import Inputs, files_of

# How many rows of a source are shown.
SAMPLE = 5


@dataclass(frozen=True)
class Sample:
    """Some rows of a source; the last columns are file and line, if those are known."""

    source: str
    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]


def masked(plan: Plan, columns: Sequence[str], rows: Sequence[Sequence[Any]]) -> list[list[Any]]:
    """The rows without the values of sensitive columns."""
    hidden = plan.pipeline.sensitive()
    return [
        [
            MASK if name.lower() in hidden and value is not None else value
            for name, value in zip(columns, row, strict=True)
        ]
        for row in rows
    ]


def sample_of(inputs: Inputs, plan: Plan, name: str, chosen: str) -> Sample:
    """Some rows of a source, with file and line.

    :param chosen: a query for the rows.
    """
    source = plan.pipeline.sources[name]
    columns = [column for column, _ in plan.shapes.get(name) or ()]
    run, step = inputs.folder(plan, name), plan.step(f"extract.{name}")
    session = inputs.session
    see(session, "etl_parts", files_of(run, step), positions=True)
    same = " AND ".join(f"p.{quote(c)} IS NOT DISTINCT FROM s.{quote(c)}" for c in columns)
    found = session.execute(
        f"SELECT {names(columns, 'p.')}, {FILE}, {ROW} FROM etl_parts AS p SEMI JOIN "
        f"(SELECT DISTINCT * FROM ({chosen}) ORDER BY ALL LIMIT {SAMPLE}) AS s ON {same} "
        f"ORDER BY {FILE}, {ROW} LIMIT {SAMPLE}"
    ).fetchall()
    places = _places(inputs, plan, name, source, [row[-2:] for row in found])
    rows = [
        [*row, *places.get(place, ("", None))]
        for row, place in zip(
            masked(plan, columns, [row[:-2] for row in found]),
            [row[-2:] for row in found],
            strict=True,
        )
    ]
    if not any(row[-1] for row in rows):  # a database has no lines
        return Sample(name, columns, [row[:-2] for row in rows])
    return Sample(name, [*columns, "file", "line"], rows)


def _places(
    inputs: Inputs, plan: Plan, name: str, source: Source, rows: Sequence[tuple[str, int]]
) -> dict[tuple[str, int], tuple[str, int | None]]:
    """The file and line of rows, by the Parquet file and the position in it."""
    run, step = inputs.folder(plan, name), plan.step(f"extract.{name}")
    work = Work(plan, step, run, "explain", inputs.session, lambda stop: None)
    found: dict[tuple[str, int], tuple[str, int | None]] = {}
    try:
        about = work.extraction(run.step(step.name).fetch())
        with reading_again(about):
            for file in dict.fromkeys(file for file, _ in rows):
                numbers = iter([number for other, number in rows if other == file])
                for origin in origins_of(work, source, about, file, numbers):
                    found[file, origin.number] = (origin.file, origin.line)
    except (EtlError, OSError):  # the files are gone
        return {}
    return found
