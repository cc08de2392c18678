"""`etl report`: pages that show how pipelines stand, from files alone, without a server."""

from __future__ import annotations

import hashlib
import secrets
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework import __version__
from etl_framework.errors import ConfigError, EtlError
from etl_framework.plan.plan import build_plan
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.report import facts
from etl_framework.report.chart import HEIGHT, WIDTH, counted, number
from etl_framework.report.values import values_of
from etl_framework.run.attempts import Attempt
from etl_framework.run.status import status

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = ("style.css", "report.js")
# In every folder that a report has written; no other is written over.
MARK = ".etl-report"


def write_site(
    project: Project,
    environment: str | None,
    output: Path,
    last: int,
    models: Sequence[Pipeline],
    until: date | None = None,
) -> Path:
    """Write the pages of a project into a folder, and return the first of them.

    :param last: how many data intervals of each pipeline.
    :param models: the pipelines.
    :param until: the last day that the data intervals start on.
    :raises ConfigError: the folder has files that no report has written, or cannot be written.
    :raises RetryableError: a warehouse or staging does not answer.
    """
    if output.exists() and not output.is_dir():
        raise ConfigError(f"'{output}' is no folder", hint="give another --output")
    if output.is_dir() and any(output.iterdir()) and not (output / MARK).exists():
        raise ConfigError(f"'{output}' has other files than a report", hint="give another --output")
    fresh = output.with_name(f".{output.name}.{secrets.token_hex(4)}")
    try:
        for folder in ("kpis", "runs"):
            (fresh / folder).mkdir(parents=True)
        (fresh / MARK).write_text("Made by etl report, which writes this folder anew.\n")
        site = _Site(project, environment, fresh, last, until)
        site.write([site.wall(model) for model in models])
        # An error before has left the earlier pages as they were.
        shutil.rmtree(output, ignore_errors=True)
        fresh.rename(output)
    except OSError as error:
        raise ConfigError(f"the report cannot be written: {error.strerror}: {output}") from error
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return output / "index.html"


class _Site:
    """Makes the pages of one environment of a project."""

    def __init__(
        self,
        project: Project,
        environment: str | None,
        output: Path,
        last: int,
        until: date | None,
    ) -> None:
        self._project = project
        self._environment = environment
        self._workspace = project.workspace(environment)
        self._output = output
        self._last = last
        self._until = until
        self._templates = _templates()
        self._templates.globals.update(
            version=__version__,
            project=project.root.name,
            environment=project.environment_name(environment),
            made=f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            signs=facts.SIGNS,
            slug=slug,
            counted=counted,
            number=number,
            width=WIDTH,
            height=HEIGHT,
        )

    def wall(self, pipeline: Pipeline) -> facts.Wall:
        """Collect what is known of a pipeline."""
        row = status(self._project, self._environment, pipeline, self._last, self._until)
        interval = row.cells[-1].interval if row.cells else pipeline.some_interval()
        try:
            plan = build_plan(self._project, pipeline.name, self._environment, interval)
        except EtlError:
            plan = None
        return facts.Wall(pipeline, row, plan)

    def write(self, walls: Sequence[facts.Wall]) -> Path:
        """Write all pages."""
        for name in STATIC:
            (self._output / name).write_text(_text(name), encoding="utf-8")
        pages = [page for wall in walls for page in self._pages(wall)]
        for wall in walls:
            for attempt in wall.row.runs:
                self._page(
                    f"runs/{slug(attempt)}.html",
                    "run.html",
                    wall=wall,
                    run=attempt,
                    interval=_interval(wall, attempt),
                    parts=facts.parts(attempt),
                )
        self._page("checks.html", "checks.html", strips=[facts.strips(wall) for wall in walls])
        self._page("quarantine.html", "quarantine.html", tables=list(map(facts.taken_out, walls)))
        return self._page("index.html", "wall.html", walls=walls, pages=pages)

    def _pages(self, wall: facts.Wall) -> Iterator[tuple[str, str, str]]:
        """Write a page for each KPI; yield its address, title and description, for the search."""
        for name, kpi in wall.pipeline.kpis.items():
            address = f"kpis/{wall.pipeline.name}.{name}.html"
            made = (
                next((s for s in wall.plan.steps if s.name == f"kpi.{name}"), None)
                if wall.plan
                else None
            )
            values = values_of(self._workspace, wall.pipeline, kpi, self._last, self._until)
            self._page(
                address,
                "kpi.html",
                wall=wall,
                name=name,
                kpi=kpi,
                step=made,
                values=values,
                readers=list(_readers(self._project, wall.pipeline.name, name)),
                strip=facts.strip(wall, name),
            )
            yield address, f"{wall.pipeline.name}.{name}", kpi.description

    def _page(self, address: str, template: str, **context: Any) -> Path:
        root = "../" * address.count("/")
        text = self._templates.get_template(template).render(root=root, **context)
        file = self._output / address
        file.write_text(text, encoding="utf-8")
        return file


def slug(attempt: Attempt) -> str:
    """The name of a run's page, which is safe as a file's name."""
    digest = hashlib.sha256(attempt.last.run.encode()).hexdigest()[:8]
    return f"{attempt.last.pipeline}-{attempt.last.key}-{digest}"


def _interval(wall: facts.Wall, attempt: Attempt) -> str:
    return next(
        (str(cell.interval) for cell in wall.row.cells if cell.interval.key == attempt.last.key),
        attempt.last.key,
    )


def _readers(project: Project, pipeline: str, kpi: str) -> Iterator[str]:
    """The pipelines that come after a KPI, or after its pipeline."""
    for model in project.models:
        if {pipeline, f"{pipeline}.{kpi}"} & set(map(str, model.after or ())):
            yield model.name


def _templates() -> Environment:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    return Environment(
        loader=FunctionLoader(_text),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _text(name: str) -> str:
    return (files("etl_framework.report") / "templates" / name).read_text(encoding="utf-8")
