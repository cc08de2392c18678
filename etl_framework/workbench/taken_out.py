"""The rejected rows that would have been among what is asked, had they not been taken out."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass

from etl_framework.errors import EtlError
from etl_framework.plan.plan import Plan
from etl_framework.sql.quote import quote
from etl_framework.storage.parquet import see
from etl_framework.storage.rejected import PARSE, text_of
from etl_framework.workbench.inputs import NOW, Inputs
from etl_framework.workbench.provenance import Provenance
from etl_framework.workbench.sandbox import Sandbox, planned_definitions

# The schema in which the rows go through the SQL; one for each source.
SCHEMA = "taken_out"


@dataclass(frozen=True)
class TakenOut:
    """How many rows of a source broke a rule; None with a note if that cannot be told."""

    source: str
    rule: str
    rows: int | None
    note: str = ""


def taken_out(
    inputs: Inputs, plan: Plan, relation: str, condition: str, group: str = "''"
) -> dict[str, list[TakenOut]]:
    """How many rejected rows of each source would have counted, by group, source and rule.

    They go through the SQL in the place of the source's rows, with what can be read of them.

    :param condition: of the rows of the relation that are asked for.
    :param group: what tells these rows apart, as in `Provenance.trace`.
    """
    found: dict[str, list[TakenOut]] = defaultdict(list)
    for number, name in enumerate(plan.pipeline.sources):
        if not (rejected := _rejected(inputs, plan, name)):
            continue
        schema = f"{SCHEMA}_{number}"
        inputs.session.execute(f"CREATE SCHEMA {quote(schema)}")

        def rows(other: str, name: str = name, rejected: str = rejected) -> str | None:
            if other == name:
                return rejected
            made = other in plan.pipeline.sources or other.startswith("earlier.")
            return f"SELECT * FROM {quote(NOW)}.{quote(other)}" if made else None

        sandbox = Sandbox(
            inputs.session, planned_definitions(plan), rows, plan.root, schema, tables=True
        )
        provenance = Provenance(inputs.session, sandbox, schema)
        try:
            parts = provenance.trace(relation, condition, group)
            traced = {part.name: part for part, *_ in parts}
        except EtlError as error:  # without the other rows the SQL refuses
            found[""].append(TakenOut(name, "", None, error.diagnostics[0].message))
            continue
        if part := traced.get(name):
            sql = (
                f"SELECT c.g, t.etl_rule, COUNT(*) FROM {part.table} AS t "
                f"JOIN ({provenance.groups(part)}) AS c ON c.n = t.rowid "
                "GROUP BY ALL ORDER BY 3 DESC, 2"
            )
            for of, rule, count in inputs.session.execute(sql).fetchall():
                told = "could not be read" if rule == PARSE else str(rule)
                found[str(of)].append(TakenOut(name, told, int(count)))
    return found


def _rejected(inputs: Inputs, plan: Plan, name: str) -> str:
    """A query for the rows of a source that were taken out, as far as they have values."""
    run = inputs.folder(plan, name)
    steps = [run.step(f"{kind}.{name}").fetch() for kind in ("extract", "check")]
    files = [file for step in steps for file in step.files("rejected")]
    if not files:
        return ""
    view = f"etl_rejected_{name}"
    see(inputs.session, view, files)
    values = ", ".join(
        f"TRY_CAST({text_of(column)} AS {type_}) AS {quote(column)}"
        for column, type_ in plan.shapes.get(name) or ()
    )
    return f"SELECT {values}, rule AS etl_rule FROM {quote(view)}"
