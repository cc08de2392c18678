"""Each row of a KPI, with how many rows of every step it is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.plan.plan import Plan
from etl_framework.sql.quote import names, quote
from etl_framework.workbench.apart import Layer, grouped_by, layer
from etl_framework.workbench.inputs import NOW, Inputs
from etl_framework.workbench.provenance import Provenance
from etl_framework.workbench.samples import masked
from etl_framework.workbench.taken_out import TakenOut, taken_out

# How many rows are taken apart.
ROWS = 50


@dataclass(frozen=True)
class Broken:
    """One row, and what it is made of.

    :param row: its values, with sensitive ones masked.
    :param key: the columns that tell it apart, with their values as texts.
    :param layers: how many rows of each relation and query it is made of.
    :param taken_out: rejected rows that would have counted.
    """

    row: Sequence[Any]
    key: Sequence[tuple[str, str]]
    layers: Sequence[Layer]
    taken_out: Sequence[TakenOut]


@dataclass(frozen=True)
class Breakdown:
    """The first rows of a KPI in one data interval, each taken apart."""

    columns: Sequence[str]
    rows: Sequence[Broken]


def breakdown(inputs: Inputs, plan: Plan, kpi: str) -> Breakdown:
    """Take the rows of a KPI apart, all at once.

    :raises EtlError: the SQL fails, it is of a kind that cannot be traced, or a source is gone.
    """
    block = plan.pipeline.kpis[kpi]
    columns = [column.name for column in block.columns]
    keys = [column.name for column in block.columns if column.primary_key]
    keys = keys or block.target.unique_key or grouped_by(plan, kpi)
    known = {column.lower(): column for column in columns}
    keys = [known[key.lower()] for key in keys if key.lower() in known] or columns
    texts = ", ".join(f"coalesce(CAST({quote(key)} AS VARCHAR), chr(0))" for key in keys)
    group = f"concat_ws(chr(31), {texts})"
    sandbox = inputs.sandbox(plan, tables=True)
    sandbox.make(kpi)
    first = f"SELECT rowid FROM {sandbox.table(kpi)} ORDER BY {names(keys)} LIMIT {ROWS}"
    condition = f"rowid IN ({first})"
    provenance = Provenance(inputs.session, sandbox, NOW)
    traced = list(provenance.trace(kpi, condition, group))
    counts = [(part, total, provenance.counts(part)) for part, total, _ in traced if part.name]
    out = taken_out(inputs, plan, kpi, "true", group)
    selected = f"SELECT {group}, {names(columns)} FROM {sandbox.table(kpi)} WHERE {condition}"
    found = inputs.session.execute(f"{selected} ORDER BY {names(keys)}").fetchall()
    rows = masked(plan, columns, [row[1:] for row in found])
    return Breakdown(
        columns,
        [
            Broken(
                row,
                [(key, _text(row[columns.index(key)])) for key in keys],
                [layer(plan, part, total, of.get(str(group), 0)) for part, total, of in counts],
                out.get(str(group), ()),
            )
            for (group, *_), row in zip(found, rows, strict=True)
        ],
    )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
