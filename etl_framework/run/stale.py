"""Published data intervals that read others which have been published anew since then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from typing import NamedTuple
from zoneinfo import ZoneInfo

from etl_framework.interval import DataInterval
from etl_framework.plan.plan import Plan, build_plan
from etl_framework.plan.step import Step
from etl_framework.project.project import Project
from etl_framework.run.earlier import windows_of
from etl_framework.run.run import Run
from etl_framework.targets.published import COLUMNS, Published, published, runs_of, state

# How often a data interval is run again at most, where its runs change what others have read.
ROUNDS = 3


class Stale(NamedTuple):
    """A data interval, and the KPIs whose windows have changed since it was published."""

    interval: DataInterval
    kpis: tuple[str, ...]


def stale(plan: Plan) -> list[Stale]:
    """The data intervals of a pipeline with KPIs that have read something else than is there now.

    :returns: the oldest first.
    :raises RetryableError: a warehouse does not answer.
    """
    ledgers = _Ledgers(plan)
    found: dict[str, Stale] = {}
    for kpi in plan.pipeline.kpis:
        if steps := windows_of(plan, kpi):
            for interval in ledgers.stale(kpi, steps):
                known = found.get(interval.key, Stale(interval, ()))
                found[interval.key] = Stale(interval, (*known.kpis, kpi))
    return [found[key] for key in sorted(found)]


def stale_runs(
    project: Project, environment: str | None, plan: Plan, tell: Callable[[str], None]
) -> Iterator[Run]:
    """Runs of what is stale; what they change may make later data intervals stale, which follow.

    :param tell: is told of KPIs that are stale, and whose targets forbid to change that.
    """
    rounds: Counter[str] = Counter()
    while waiting := [(i, kpis) for i, kpis in stale(plan) if rounds[i.key] < ROUNDS]:
        interval, kpis = waiting[0]
        rounds[interval.key] += 1
        again = build_plan(project, plan.pipeline.name, environment, interval)
        may = [kpi for kpi in kpis if again.pipeline.kpis[kpi].target.restate == "allow"]
        for kpi in kpis:
            if kpi not in may:
                tell(
                    f"'{kpi}' of {interval} has read what was published anew since, and its target "
                    "says `restate: never`"
                )
        if may:
            yield Run(again.rereading(may), older="keep", how="etl run, windows that changed")
        else:
            rounds[interval.key] = ROUNDS


class _Ledgers:
    """What the ledgers of a pipeline's warehouses say, each read once."""

    def __init__(self, plan: Plan) -> None:
        self._plan = plan
        self._zone = ZoneInfo(plan.pipeline.timezone)
        self._rows: dict[str, list[Published]] = {}

    def stale(self, kpi: str, steps: list[Step]) -> Iterator[DataInterval]:
        """The data intervals for which a KPI has read something else than is there now."""
        table = self._plan.pipeline.kpis[kpi].target.table
        loaded = [row for row in self._of(kpi) if "reads" in row.targets.get(table, {})]
        whole = [step for step in steps if step.time(self._plan.interval) is None]
        parts = [step for step in steps if step not in whole]
        for row in loaded:
            if not all(self._is_fresh(kpi, step, row) for step in parts):
                yield self._here(row)
        # A table of all data intervals is what the run left that has read all of them.
        fresh = (all(self._is_fresh(kpi, step, row) for step in whole) for row in loaded)
        if whole and loaded and not any(fresh):
            yield self._here(max(loaded, key=lambda row: row.interval.key))

    def _is_fresh(self, kpi: str, step: Step, row: Published) -> bool:
        """Whether a run of a data interval would read what the last one has read."""
        rows, here = self._of(step.relation), self._here(row)
        table = self._plan.pipeline.kpis[step.relation].target.table
        runs = runs_of(rows, table, step.time(here), here)
        if step.relation != kpi:
            runs |= runs_of((r for r in rows if r.interval == row.interval), table, None)
        told = row.targets[self._plan.pipeline.kpis[kpi].target.table]["reads"]
        # A window that the file has got since is no reason to compute the past anew.
        return step.name not in told or bool(told[step.name] == state(runs))

    def _here(self, row: Published) -> DataInterval:
        """The data interval of a row in the pipeline's time zone."""
        start, end = row.interval.start, row.interval.end
        return DataInterval(start.astimezone(self._zone), end.astimezone(self._zone))

    def _of(self, kpi: str) -> list[Published]:
        """The rows of the ledger beside a KPI's table."""
        name, connection = self._plan.pipeline.name, self._plan.pipeline.kpis[kpi].target.connection
        if connection not in self._rows:
            rows = self._plan.workspace.ledger_rows(connection, COLUMNS, "pipeline = ?", (name,))
            self._rows[connection] = published(rows)
        return self._rows[connection]
