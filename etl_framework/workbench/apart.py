"""Take a row of a KPI apart: the run it is from, and the rows at each step that it is made of."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl_framework.columns import ColumnType
from etl_framework.errors import ConfigError, DataMissingError, EtlError, did_you_mean
from etl_framework.plan.plan import Plan
from etl_framework.plan.reads import EARLIER
from etl_framework.run.attempts import Attempt, attempts
from etl_framework.run.history import records, stored
from etl_framework.sql.quote import literal, names, quote, quote_table
from etl_framework.workbench.inputs import NOW, Inputs
from etl_framework.workbench.narrow import narrowed
from etl_framework.workbench.provenance import Part, Provenance
from etl_framework.workbench.samples import Sample, masked, sample_of
from etl_framework.workbench.taken_out import TakenOut, taken_out

if TYPE_CHECKING:
    from sqlglot import exp

# Of how many values a hint is made, and how many rows of a table are looked at.
VALUES, MOST = 200, 1000


@dataclass(frozen=True)
class Layer:
    """A relation, or a query within one: how many rows it has, and how many are in what is asked.

    :param kind: `source`, `transform`, `kpi`, `query`, or `earlier` for other data intervals.
    """

    name: str
    kind: str
    rows: int
    of_it: int


@dataclass(frozen=True)
class Apart:
    """A row of a KPI or transform, taken apart.

    :param rows: the rows as the SQL makes them now.
    :param published: the rows as they are in the KPI's table; None if it cannot be read.
    :param run: the run that has published the data interval last; None if none has.
    :param taken_out: rejected rows that would have been among them.
    :param windows: the columns that are computed from other rows, too.
    :param queries: for relations a query that `etl sql` takes, for about the rows that it is of.
    :param opaque: the relations that a Python function makes, behind which nothing is known.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[Any]]
    published: Sequence[Sequence[Any]] | None
    run: Attempt | None
    layers: Sequence[Layer]
    taken_out: Sequence[TakenOut]
    samples: Sequence[Sample]
    windows: Sequence[str] = ()
    queries: Sequence[tuple[str, str]] = ()
    opaque: Sequence[str] = ()


def take_apart(inputs: Inputs, plan: Plan, relation: str, where: Mapping[str, str]) -> Apart:
    """Take the rows of a relation apart that have given values.

    :param where: values as texts, by column; an empty text stands for no value.
    :raises ConfigError: there is no such column, or a value is not of its type.
    :raises DataMissingError: no row has the values.
    :raises StepError: the SQL cannot be traced.
    """
    condition = _condition(inputs, plan, relation, where)
    sandbox = inputs.sandbox(plan, tables=True)
    sandbox.make(relation)
    columns = [column for column, _ in plan.shapes.get(relation) or ()]
    selected = f"SELECT {names(columns)} FROM {sandbox.table(relation)}"
    rows = inputs.session.execute(f"{selected} WHERE {condition} ORDER BY ALL").fetchall()
    if not rows:
        raise DataMissingError(
            f"no row of {relation} has {_said(where)} in {inputs.interval}",
            hint=_near(inputs, plan, sandbox.table(relation), where),
        )
    provenance = Provenance(inputs.session, sandbox, NOW)
    traced = list(provenance.trace(relation, condition))
    return Apart(
        columns,
        masked(plan, columns, rows),
        _published(inputs, plan, relation, where),
        _run(plan),
        [layer(plan, *part) for part in traced if part[0].name],
        taken_out(inputs, plan, relation, condition).get("", ()),
        [
            sample_of(inputs, plan, part.name, provenance.rows(part))
            for part, _, of_it in traced
            if of_it and part.name in plan.pipeline.sources
        ],
        windows(plan, relation),
        list(narrowed([part for part, *_ in traced], _asked(plan, relation, where))),
        [part.name for part, *_ in traced if _opaque(plan, part.name)],
    )


def _condition(inputs: Inputs, plan: Plan, relation: str, where: Mapping[str, str]) -> str:
    """The condition that a row has the values: `"hour" = CAST('3' AS INTEGER)`."""
    shape = {column.lower(): (column, type_) for column, type_ in plan.shapes.get(relation) or ()}
    parts = []
    for name, text in where.items():
        if name.lower() not in shape:
            hint = did_you_mean(name, [column for column, _ in shape.values()])
            raise ConfigError(f"{relation} has no column '{name}'", hint=hint)
        column, type_ = shape[name.lower()]
        if text == "":
            parts.append(f"{quote(column)} IS NULL")
            continue
        value = f"TRY_CAST({literal(text)} AS {type_})"
        if inputs.session.execute(f"SELECT {value} IS NULL").fetchone() == (True,):
            raise ConfigError(f"'{text}' is no {type_.lower()}, which {relation}.{column} has")
        parts.append(f"{quote(column)} = {value}")
    return " AND ".join(parts) or "true"


def _asked(plan: Plan, relation: str, where: Mapping[str, str]) -> dict[str, str]:
    """What follows the names of columns: `= 'Pop'`."""
    types = {column.lower(): type_ for column, type_ in plan.shapes.get(relation) or ()}
    return {
        name: "IS NULL"
        if not text
        else f"= {text if _is_number(types[name.lower()]) else literal(text)}"
        for name, text in where.items()
    }


def _is_number(type_: str) -> bool:
    known = ColumnType.of_duckdb(type_)
    return known is not None and known.family in ("integer", "decimal", "float")


def _opaque(plan: Plan, name: str) -> bool:
    made = plan.pipeline.transforms.get(name)
    return made is not None and bool(made.python)


def _said(where: Mapping[str, str]) -> str:
    return " and ".join(f"{name} = {text or 'no value'}" for name, text in where.items())


def _near(inputs: Inputs, plan: Plan, table: str, where: Mapping[str, str]) -> str:
    """Values that look like those which were asked for."""
    for name, text in where.items():
        if name.lower() in plan.pipeline.sensitive():
            continue
        sql = f"SELECT DISTINCT CAST({quote(name)} AS VARCHAR) FROM {table} LIMIT {VALUES}"
        known = [str(value) for (value,) in inputs.session.execute(sql).fetchall()]
        if text not in known and (hint := did_you_mean(text, known)):
            return hint
    return "etl show, or etl preview, lists the rows"


def _published(
    inputs: Inputs, plan: Plan, relation: str, where: Mapping[str, str]
) -> list[list[Any]] | None:
    """The rows in the table of a KPI; of the data interval, if the table knows it."""
    kpi = plan.pipeline.kpis.get(relation)
    if kpi is None:
        return None
    types = {column.name.lower(): column for column in kpi.columns}
    parts, values = [], list[Any]()
    for name, text in where.items():
        column = types[name.lower()]
        parts.append(f"{quote(column.name)} {'= ?' if text else 'IS NULL'}")
        if text:
            cast = f"SELECT CAST({literal(text)} AS {column.type.duckdb})"
            values += inputs.session.execute(cast).fetchone() or ()
    columns = [column.name for column in kpi.columns]
    try:
        with plan.workspace.warehouse(kpi.target.connection, read_only=True) as warehouse:
            here = {name.lower() for name in warehouse.table_columns(kpi.target.table)}
            own = str(kpi.target.interval_column or "")
            if own.lower() in here:
                parts.append(f"{quote(own)} = ?")
                values.append(plan.interval.start)
            condition = " AND ".join(parts) or "1 = 1"
            table = quote_table(kpi.target.table)
            sql = f"SELECT {names(columns)} FROM {table} WHERE {condition} ORDER BY 1 LIMIT {MOST}"
            return masked(plan, columns, warehouse.query(sql, values)[1])
    except EtlError:
        return None


def _run(plan: Plan) -> Attempt | None:
    """The run that has published the data interval last."""
    staging, pipeline = plan.workspace.staging, plan.pipeline.name
    keys = stored(staging, pipeline)
    ours = [name for name, key in keys.items() if key == plan.interval.key]
    runs = [run for run in attempts(records(staging, pipeline, ours)) if run.published]
    return runs[-1] if runs else None


def layer(plan: Plan, part: Part, rows: int, of_it: int) -> Layer:
    pipeline, kind = plan.pipeline, "query"
    kinds: dict[str, Collection[str]] = {
        "source": pipeline.sources, "transform": pipeline.transforms, "kpi": pipeline.kpis,
    }  # fmt: skip
    for known, listed in kinds.items():
        kind = known if part.name in listed else kind
    if part.name.startswith(EARLIER):
        kind = "earlier"
    return Layer(part.name, kind, rows, of_it)


def windows(plan: Plan, relation: str) -> list[str]:
    """The columns whose expressions look at other rows of the result."""
    from sqlglot import exp

    return [str(made.alias_or_name) for made in _made(plan, relation) if made.find(exp.Window)]


def grouped_by(plan: Plan, relation: str) -> list[str]:
    """The columns that a grouped result has one row for; none if it is not grouped."""
    from sqlglot import exp

    made = _made(plan, relation)
    keys = [one for one in made if not one.find(exp.AggFunc, exp.Window)]
    return [str(one.alias_or_name) for one in keys] if len(keys) < len(made) else []


def _made(plan: Plan, relation: str) -> list[exp.Expr]:
    """The expressions of a relation's columns."""
    import sqlglot
    from sqlglot import exp

    step = next((s for s in plan.steps if s.relation == relation and s.sql), None)
    tree = sqlglot.parse_one(step.sql, read="duckdb") if step else None
    while isinstance(tree, exp.Subquery):
        tree = tree.this
    return tree.expressions if isinstance(tree, exp.Select) else []
