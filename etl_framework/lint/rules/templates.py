"""Rules about Jinja in templates and in YAML: which names it uses, whether a path renders."""

from __future__ import annotations

import re
from collections.abc import Iterator

from jinja2 import TemplateError, TemplateSyntaxError, UndefinedError

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import ApartRule, Checked, Fact, Rule, source_of
from etl_framework.project.params import in_path
from etl_framework.project.project import TEMPLATES, Project
from etl_framework.project.yaml_file import texts
from etl_framework.sources.files import FilesSource
from etl_framework.sql.template_names import (
    line_and_column,
    reached_for,
    reaching,
    unknown_name,
    unknown_names,
)
from etl_framework.sql.templates import render_text, text_values

INTERVAL = ("interval.date", "interval.start", "interval.end")


class Reaching(Rule):
    """A template uses values, and not the attributes of Python that lead out of the sandbox.

    The sandbox refuses them when they are asked for; this finds them behind a condition, too.
    """

    codes = ("E703",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for path, text in checked.templates.items():
                for start, name in reached_for(text):
                    yield reaching(path, *line_and_column(text, start), name)
        for file in (
            project.environments_file,
            *(pipeline_file.file for pipeline_file in project.pipelines),
        ):
            for keys, text in texts(file.data):
                for start, name in reached_for(text) if "{" in text else ():
                    yield reaching(*file.where_inside(keys, text, start), name)


class UnknownNames(Rule):
    """All names of a template that are not there, and not only the first that rendering meets."""

    codes = ("E403",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            stopped = {
                diagnostic.path
                for diagnostic in checked.compilation.diagnostics
                if diagnostic.code == "E403"
            }
            for query in checked.pipeline.queries().values():
                path = f"{TEMPLATES}/{query.sql}"
                if query.sql and path in stopped:
                    text, params = source_of(project, path), list(query.params)
                    for start, name in unknown_names(text, params):
                        yield unknown_name(path, *line_and_column(text, start), name, params)


class PathTemplates(Rule):
    """A path renders: `{{ interval.date }}` and the like are all that it may use."""

    codes = ("E316",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for name, source in checked.pipeline.sources.items():
                path = source.path if isinstance(source, FilesSource) else ""
                if "{" not in path or reached_for(path):
                    continue
                try:
                    samples = {n: p.sample for n, p in checked.pipeline.params.items()}
                    render_text(in_path(path, samples), text_values(checked.interval))
                except TemplateError as error:
                    keys, file = ("sources", name, "path"), checked.pipeline_file.file
                    place = file.where_inside(keys, path, max(path.find("{{"), path.find("{%"), 0))
                    yield Diagnostic(*place, "E316", *_why(error))


class Settings(ApartRule):
    """A setting names what is looked up: `{{ env.NAME }}` or `{{ var.name }}`.

    The name of a place is checked with its shape.
    """

    codes = ("E317",)

    def judge(self, project: Project, facts: list[Fact]) -> Iterator[Diagnostic]:
        file = project.environments_file
        for keys, text in texts(file.data):
            of_a_place = len(keys) == 3 and keys[2] in ("schema", "prefix")
            if of_a_place or ("{{" not in text and "{%" not in text) or reached_for(text):
                continue
            try:
                render_text(text, {"env": _Anything(), "var": _Anything()})
            except TemplateError as error:
                place = file.where_inside(keys, text, max(text.find("{{"), text.find("{%"), 0))
                yield Diagnostic(*place, "E317", *_why(error, ("env.NAME", "var.name")))


class _Anything:
    def __getattr__(self, name: str) -> str:
        if name.startswith("_"):
            raise AttributeError(name)
        return "x"


def _why(error: TemplateError, known: tuple[str, ...] = INTERVAL) -> tuple[str, str]:
    """Return message and hint for an error of Jinja."""
    hint = f"known: {', '.join(known)}"
    if isinstance(error, TemplateSyntaxError):
        return f"template syntax: {error.message}", hint
    if isinstance(error, UndefinedError):
        message = str(error.message)
        name = (re.findall(r"'(\w+)'", message) or [""])[-1]
        near = did_you_mean(name, {part for known_name in known for part in known_name.split(".")})
        return f"unknown name '{name}'", near if near.startswith("did") else hint
    return f"it does not render: {error}", hint
