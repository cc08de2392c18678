"""`etl report`: pages that show how pipelines stand, from files alone, without a server."""

from __future__ import annotations

import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from etl_framework.errors import ConfigError, EtlError
from etl_framework.plan.plan import build_plan
from etl_framework.project.environments import REPORT_MARK
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.report import facts
from etl_framework.report.costs import costs
from etl_framework.report.flaky import flaky
from etl_framework.report.gaps import gaps
from etl_framework.report.graph import Graph
from etl_framework.report.lineage import View, view
from etl_framework.report.numbers import Numbers, numbers_of
from etl_framework.report.pages import INDEX
from etl_framework.report.quarantine import waiting
from etl_framework.report.render import Renderer, slug
from etl_framework.report.sensitive import flows
from etl_framework.report.sources import deliveries
from etl_framework.report.tables import Tables
from etl_framework.report.values import values_of
from etl_framework.run.status import status


@dataclass(frozen=True)
class Written:
    """A report that was written.

    :param index: its first page.
    :param whole: whether every warehouse has answered; if not, pages say what they lack.
    """

    index: Path
    whole: bool


def write_site(
    project: Project,
    environment: str | None,
    output: Path,
    last: int,
    models: Sequence[Pipeline],
    until: date | None = None,
    *,
    explain: bool = False,
) -> Written:
    """Write the pages of a project into a folder.

    :param last: how many data intervals of each pipeline.
    :param models: the pipelines.
    :param until: the last day that the data intervals start on.
    :param explain: take the numbers of each KPI's newest data interval apart.
    :raises ConfigError: the folder has files that no report has written, or cannot be written.
    :raises RetryableError: a warehouse or staging does not answer.
    """
    if output.exists() and not output.is_dir():
        raise ConfigError(f"'{output}' is no folder", hint="give another --output")
    if output.is_dir() and any(output.iterdir()) and not (output / REPORT_MARK).exists():
        raise ConfigError(f"'{output}' has other files than a report", hint="give another --output")
    project = project.at(environment)
    names = {model.name for model in models}
    models = [model for model in project.models if model.name in names]
    fresh = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        for folder in ("kpis", "sources", "runs"):
            (fresh / folder).mkdir(parents=True)
        (fresh / REPORT_MARK).write_text("Made by etl report, which writes this folder anew.\n")
        with closing(Tables(project.workspace(environment))) as tables:
            site = _Site(project, environment, fresh, last, until, models, tables, explain)
            site.write()
        # An error before has left the earlier pages as they were.
        shutil.rmtree(output, ignore_errors=True)
        fresh.rename(output)
    except OSError as error:
        raise ConfigError(f"the report cannot be written: {error.strerror}: {output}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return Written(output / INDEX, tables.whole)


class _Site:
    """Makes the pages of one environment of a project."""

    def __init__(
        self,
        project: Project,
        environment: str | None,
        output: Path,
        last: int,
        until: date | None,
        models: Sequence[Pipeline],
        tables: Tables,
        explain: bool,
    ) -> None:
        self._project = project
        self._environment = environment
        self._tables = tables
        self._explain = explain
        self._last = last
        self._until = until
        self._walls = [self._wall(model) for model in models]
        plans = [wall.plan for wall in self._walls if wall.plan]
        self._graph = Graph(models, plans, project.models)
        self._render = Renderer(output, project.root.name, project.environment_name(environment))

    def _wall(self, pipeline: Pipeline) -> facts.Wall:
        """Collect what is known of a pipeline."""
        row = status(self._project, self._environment, pipeline, self._last, self._until)
        interval = row.cells[-1].interval if row.cells else pipeline.some_interval()
        try:
            plan = build_plan(self._project, pipeline.name, self._environment, interval)
        except EtlError:
            plan = None
        return facts.Wall(pipeline, row, plan)

    def write(self) -> None:
        """Write all pages."""
        walls = self._walls
        pages = [page for wall in walls for page in (*self._kpis(wall), *self._sources(wall))]
        spent = costs(walls, self._tables)
        self._tables.close()  # a run may wait for the file of a warehouse
        for wall in walls:
            self._runs(wall)
        self._render.page(
            "checks.html",
            "checks.html",
            walls=walls,
            flaky=flaky(walls),
            gaps=gaps(self._project, walls),
        )
        models = [wall.pipeline for wall in walls]
        self._render.page("sensitive.html", "sensitive.html", flows=flows(self._graph, models))
        self._render.page(
            "quarantine.html",
            "quarantine.html",
            tables=[wall.taken_out for wall in walls],
            waiting=[w for wall in walls for w in waiting(self._project, self._environment, wall)],
        )
        self._render.page(INDEX, "wall.html", walls=walls, pages=pages, costs=spent)

    def _runs(self, wall: facts.Wall) -> None:
        for attempt in wall.row.runs:
            self._render.page(
                f"runs/{slug(attempt)}.html",
                "run.html",
                wall=wall,
                run=attempt,
                interval=wall.interval(attempt),
                parts=facts.parts(attempt),
            )

    def _kpis(self, wall: facts.Wall) -> Iterator[tuple[View, str]]:
        """Write a page for each KPI; yield what the search has to know of it."""
        steps = {step.name: step for step in wall.plan.steps} if wall.plan else {}
        for name, kpi in wall.pipeline.kpis.items():
            lineage = self._view(wall, name)
            self._render.page(
                lineage.node.address,
                "kpi.html",
                wall=wall,
                name=name,
                kpi=kpi,
                step=steps.get(f"kpi.{name}"),
                values=values_of(self._tables, wall.pipeline, kpi, self._last, self._until),
                numbers=self._numbers(wall, name),
                view=lineage,
                checks=wall.checks_of(name),
            )
            yield lineage, kpi.description

    def _numbers(self, wall: facts.Wall, kpi: str) -> Numbers | None:
        """What the KPI's numbers are made of, if that is asked for."""
        if not (self._explain and wall.plan):
            return None
        return numbers_of(self._project, self._environment, wall, kpi)

    def _sources(self, wall: facts.Wall) -> Iterator[tuple[View, str]]:
        """Write a page for each source; yield what the search has to know of it."""
        for name, source in wall.pipeline.sources.items():
            lineage = self._view(wall, name)
            self._render.page(
                lineage.node.address,
                "source.html",
                wall=wall,
                name=name,
                source=source,
                given=deliveries(wall, name),
                view=lineage,
                checks=wall.checks_of(name),
            )
            yield lineage, source.description

    def _view(self, wall: facts.Wall, name: str) -> View:
        columns = [column.name for column in wall.pipeline.relations()[name].columns]
        return view(self._graph, f"{wall.pipeline.name}.{name}", columns)
