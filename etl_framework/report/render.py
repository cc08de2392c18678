"""Write pages from templates; names of files and of links are the same in all of them."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework import __version__
from etl_framework.report import chart, costs, facts, lineage, picture, sources
from etl_framework.run.attempts import Attempt

if TYPE_CHECKING:
    from jinja2 import Environment

STATIC = ("style.css", "report.js")
# What every template can use.
WORDS = {
    "version": __version__,
    "signs": facts.SIGNS,
    "counted": chart.counted,
    "number": chart.number,
    "width": chart.WIDTH,
    "height": chart.HEIGHT,
    "box_width": picture.BOX_WIDTH,
    "box_height": picture.BOX_HEIGHT,
    "named": lineage.named,
    "short": lineage.short,
    "age": sources.age,
    "size": costs.size,
}


class Renderer:
    """Writes the pages of one report into a folder."""

    def __init__(self, output: Path, project: str, environment: str) -> None:
        """Write what all pages use.

        :param project: its name, for the top of each page; `environment` likewise.
        """
        self._output = output
        self._templates = _templates()
        self._templates.globals.update(
            WORDS,
            slug=slug,
            project=project,
            environment=environment,
            now=datetime.now(UTC),
        )
        for name in STATIC:
            (output / name).write_text(_text(name), encoding="utf-8")

    def page(self, address: str, template: str, **context: Any) -> None:
        """Write a page.

        :param address: its place in the folder: `kpis/music_daily.listeners_daily.html`.
        :param context: what its template shows.
        """
        root = "../" * address.count("/")
        text = self._templates.get_template(template).render(root=root, **context)
        (self._output / address).write_text(_lean(text), encoding="utf-8")


def _lean(html: str) -> str:
    """The same page without the indentation of its templates."""
    parts = re.split("(<pre.*?</pre>)", html, flags=re.DOTALL)
    return "".join(re.sub(r"\n\s+", "\n", p) if p[:4] != "<pre" else p for p in parts)


def slug(attempt: Attempt) -> str:
    """The name of a run's page, which is safe as a file's name."""
    last = attempt.last
    return _slug(last.pipeline, last.key, last.run)


def run_page(pipeline: str, key: str, run: str) -> str:
    """The place of a run's page: `runs/music_daily-20240625-b3261e0550.html`.

    :param key: that of the data interval.
    :param run: what its records call it.
    """
    return f"runs/{_slug(pipeline, key, run)}.html"


def _slug(pipeline: str, key: str, run: str) -> str:
    digest = hashlib.sha256(f"{key} {run}".encode()).hexdigest()[:10]
    return f"{pipeline}-{key[:8]}-{digest}"  # music_daily-20240625-b3261e0550


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
