"""What the numbers of a KPI are made of, for its page."""

from __future__ import annotations

from dataclasses import dataclass
from shlex import quote

from etl_framework.errors import EtlError
from etl_framework.project.project import Project
from etl_framework.report.facts import Wall
from etl_framework.workbench.breakdown import Breakdown, Broken, breakdown
from etl_framework.workbench.inputs import open_inputs


@dataclass(frozen=True)
class Numbers:
    """The rows of a KPI in its newest data interval, taken apart.

    :param interval: the data interval; empty if nothing was published.
    :param problem: why they cannot be taken apart; empty if they can.
    """

    interval: str = ""
    day: str = ""
    made_of: Breakdown | None = None
    problem: str = ""

    def command(self, kpi: str, row: Broken) -> str:
        """What shows more of a row: `etl explain kpis_genre --where track_genre=Pop`."""
        where = " ".join(f"--where {quote(f'{name}={value}')}" for name, value in row.key)
        return f"etl explain {kpi} {where} --date {self.day}"


def numbers_of(project: Project, environment: str | None, wall: Wall, kpi: str) -> Numbers:
    """Take the rows of a KPI apart, as a run has left their sources in staging.

    It is the run of the newest data interval that the page is about, else the newest one.
    """
    published = [cell.interval for cell in wall.row.cells if cell.run and cell.run.published]
    on = published[-1].start.date() if published else None
    interval = ""
    try:
        with open_inputs(project, environment, wall.pipeline, on) as inputs:
            interval, day = str(inputs.interval), inputs.interval.date
            if inputs.run is None:
                return Numbers(problem="staging has no run of it")
            plan = inputs.plan(inputs.project, wall.pipeline.name)
            return Numbers(interval, day, breakdown(inputs, plan, kpi))
    except EtlError as error:
        return Numbers(interval, problem=error.diagnostics[0].message)
