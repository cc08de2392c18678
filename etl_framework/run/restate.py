"""What computing past data intervals anew will do to each table, before anything is done."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass

from etl_framework.errors import ConfigError, Diagnostic, StepError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan
from etl_framework.project.models import Kpi
from etl_framework.project.project import Project
from etl_framework.targets.ledger import unpacked
from etl_framework.targets.load import Load
from etl_framework.targets.published import moment

NEVER = "never"


@dataclass(frozen=True)
class Restatement:
    """What becomes of the rows that a table has of one data interval.

    :param kept: why they are left as they are; empty if they are replaced.
    :param rows: how many there are now.
    """

    interval: DataInterval
    kpi: str
    table: str
    strategy: str
    kept: str
    rows: int

    @property
    def what(self) -> str:
        """What will be done, in words."""
        if self.kept:
            return f"left as it is: {self.kept}"
        return f"replaces {self.rows:,} row{'' if self.rows == 1 else 's'}"


@dataclass(frozen=True)
class _Published:
    """What the ledgers say: the data intervals, and the newest one of each table."""

    intervals: set[str]
    newest: dict[str, str]


def selected(plan: Plan, names: Collection[str]) -> list[str]:
    """The KPIs of a plan that are asked for; all if none is named.

    :raises ConfigError: the pipeline has no KPI of a name.
    """
    known = plan.pipeline.kpis
    if unknown := [name for name in names if name not in known]:
        message = f"the pipeline '{plan.pipeline.name}' has no KPI '{unknown[0]}'"
        raise ConfigError(message, hint=did_you_mean(unknown[0], known))
    return [name for name in known if name in names or not names]


def restatements(plans: Sequence[Plan], kpis: Sequence[str]) -> list[Restatement]:
    """What each table will get, an interval after the other.

    :param plans: those of the data intervals, all of one pipeline.
    :raises StepError: an interval was never published, or a table cannot tell its rows apart.
    """
    first = plans[0]
    published = _published(first, kpis)
    problems = [*_unpublished(plans, published), *_mixed(first, kpis)]
    if problems:
        raise StepError(problems)
    return [
        _restatement(plan, name, plan.pipeline.kpis[name], published)
        for plan in plans
        for name in kpis
    ]


def downstream(project: Project, pipeline: str, kpis: Collection[str]) -> list[str]:
    """The pipelines that come after KPIs, directly or through others, in an order to run them."""
    models = [file.model for file in project.pipelines if file.model]
    found = [pipeline]
    changed = {f"{pipeline}.{kpi}" for kpi in kpis}
    while new := [m for m in models if m.name not in found and changed & set(m.after)]:
        found += [model.name for model in new]
        changed = {f"{model.name}.{kpi}" for model in new for kpi in model.kpis}
    return found[1:]


def _published(plan: Plan, kpis: Sequence[str]) -> _Published:
    published = _Published(set(), {})
    columns = ["interval_start", "interval_end", "targets"]
    for connection in {plan.pipeline.kpis[name].target.connection for name in kpis}:
        for start, end, targets in plan.workspace.ledger_rows(
            connection, columns, "pipeline = ?", (plan.pipeline.name,)
        ):
            key = DataInterval(moment(start), moment(end)).key
            published.intervals.add(key)
            for table in (str(target["table"]) for target in unpacked(targets)):
                published.newest[table] = max(published.newest.get(table, ""), key)
    return published


def _unpublished(plans: Sequence[Plan], published: _Published) -> Iterator[Diagnostic]:
    for plan in plans:
        if plan.interval.key not in published.intervals:
            name, day = plan.pipeline.name, plan.interval.date
            message = f"the data interval {plan.interval} of '{name}' was never published"
            yield _problem(message, f"run it: etl run {name} --date {day}")


def _mixed(plan: Plan, kpis: Sequence[str]) -> Iterator[Diagnostic]:
    for name in kpis:
        target = plan.pipeline.kpis[name].target
        if target.restate != NEVER and not target.loads_by.restates(target):
            message = f"'{target.table}' cannot tell which data interval its rows came from"
            hint = f"take `interval_column: false` out of the target of '{name}'"
            yield _problem(message, f"{hint}, or leave it out: --select")


def _problem(message: str, hint: str) -> Diagnostic:
    return Diagnostic("", 0, 0, StepError.code, message, hint)


def _restatement(plan: Plan, name: str, kpi: Kpi, published: _Published) -> Restatement:
    target = kpi.target
    kept = ""
    if target.restate == NEVER:
        kept = "restate: never"
    elif _holds_newer(plan, name, published):
        kept = "it holds the rows of a newer data interval"
    rows = 0 if kept else _rows(plan, kpi)
    return Restatement(plan.interval, name, target.table, target.strategy, kept, rows)


def _holds_newer(plan: Plan, name: str, published: _Published) -> bool:
    """Whether a table has the rows of the newest interval alone, and this is an older one."""
    target = plan.pipeline.kpis[name].target
    if not target.loads_by.holds_newest or plan.by_interval.get(name) is False:
        return False
    return plan.interval.key < published.newest.get(target.table, "")


def _rows(plan: Plan, kpi: Kpi) -> int:
    """How many rows of the data interval a table has."""
    load = Load(kpi.target, tuple(kpi.columns))
    with plan.workspace.warehouse(kpi.target.connection, read_only=True) as warehouse:
        here = {column.lower() for column in warehouse.table_columns(kpi.target.table)}
        if not here:
            return 0
        load = load.as_it_is(here)
        return warehouse.number(*load.target.loads_by.held(load, plan.interval))
