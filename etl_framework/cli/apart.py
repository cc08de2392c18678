"""A number taken apart, as text and as an object for JSON."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from etl_framework.cli.table import text_table

if TYPE_CHECKING:
    from etl_framework.plan.plan import Plan
    from etl_framework.workbench.apart import Apart

Rows = Sequence[Sequence[Any]]


def lines(apart: Apart, plan: Plan, relation: str, asked: Mapping[str, str]) -> Iterator[str]:
    """The text that `etl explain --where` prints."""
    said = " and ".join(f"{name} = {value or 'no value'}" for name, value in asked.items())
    yield f"{relation} where {said}, data interval {plan.interval}"
    yield ""
    yield from _indented(text_table(apart.columns, apart.rows))
    yield ""
    yield from _published(apart, plan, relation)
    yield "rows at each step, and those that it is made of"
    steps = [(_kind(layer.kind), layer.name, layer.rows, layer.of_it) for layer in apart.layers]
    yield from _indented(text_table(("", "relation", "rows", "of it"), steps))
    if apart.windows:
        yield f"  computed from other rows, too (OVER): {', '.join(apart.windows)}"
    if apart.opaque:
        yield f"  made by a Python function, which shows no more: {', '.join(apart.opaque)}"
    yield ""
    yield "taken out, and would have counted"
    taken = [(out.source, out.rule or out.note, out.rows) for out in apart.taken_out]
    yield from _indented(text_table(("source", "rule", "rows"), taken) if taken else "nothing")
    for sample in apart.samples:
        yield ""
        yield f"some rows of {sample.source}"
        yield from _indented(text_table(sample.columns, sample.rows))
    if apart.queries:
        yield ""
        yield "to look further: etl sql, with"
        yield from (f"  {sql}" for _, sql in apart.queries)


def _published(apart: Apart, plan: Plan, relation: str) -> Iterator[str]:
    """Where the rows stand in the table, and which run has put them there."""
    kpi = plan.pipeline.kpis.get(relation)
    if kpi is None:
        return
    run = apart.run
    if apart.published is None:
        yield f"its table {kpi.target.table} cannot be read"
    elif _texts(apart.published) == _texts(apart.rows):
        yield f"the table {kpi.target.table} has the same"
    else:
        yield f"the table {kpi.target.table} has" + ("" if apart.published else " no such row")
        if apart.published:
            yield from _indented(text_table(apart.columns, apart.published))
    if run:
        told = [run.last.how, f"by {run.last.user}" if run.last.user else ""]
        told += [f"commit {run.last.commit}" if run.last.commit else ""]
        yield f"published {run.started:%Y-%m-%d %H:%M} UTC, {', '.join(filter(None, told))}"
        yield f"run {run.last.run}"
    yield ""


def as_object(apart: Apart, plan: Plan) -> dict[str, Any]:
    """What `--format json` prints."""
    run = apart.run
    return {
        "interval": str(plan.interval),
        "rows": _objects(apart.columns, apart.rows),
        "published": None if apart.published is None else _objects(apart.columns, apart.published),
        "run": run and {
            "run": run.last.run, "started": run.last.started, "how": run.last.how,
            "user": run.last.user, "commit": run.last.commit,
        },
        "steps": [asdict(layer) for layer in apart.layers],
        "windows": list(apart.windows),
        "python": list(apart.opaque),
        "queries": dict(apart.queries),
        "taken_out": [asdict(out) for out in apart.taken_out],
        "samples": {
            sample.source: _objects(sample.columns, sample.rows) for sample in apart.samples
        },
    }  # fmt: skip


def _objects(columns: Sequence[str], rows: Rows) -> list[dict[str, Any]]:
    return [dict(zip(columns, row, strict=True)) for row in rows]


def _texts(rows: Rows) -> list[list[str]]:
    return [[str(value) for value in row] for row in rows]


def _kind(kind: str) -> str:
    return {"kpi": "KPI", "query": "  query"}.get(kind, kind)


def _indented(text: str) -> Iterator[str]:
    for line in text.splitlines():
        yield f"  {line}".rstrip()
