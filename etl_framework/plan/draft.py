"""Read, render and parse SQL templates, before they are compiled."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.project.project import TEMPLATES, PipelineFile
from etl_framework.project.yaml_file import not_utf8
from etl_framework.sql import dialect
from etl_framework.sql.references import Reference, references, repeated_name, scopes_of
from etl_framework.sql.rendered import Rendered
from etl_framework.sql.syntax_errors import syntax_errors
from etl_framework.sql.templates import TemplateProblemError, render_sql

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.optimizer.scope import Scope


# Quotation marks that text programs put in the place of ' and ".
CURLY = re.compile("[\u2018\u2019\u201a\u201c\u201d\u201e\u00ab\u00bb]")
CURLY_HINT = "a quotation mark of a text program is none of SQL's: type ' around a text"


@dataclass(frozen=True)
class Draft:
    """A template that renders and parses.

    :param scopes: the scopes of the tree; they are right until the tree is changed.
    """

    rendered: Rendered
    tree: exp.Query
    scopes: list[Scope]
    references: list[Reference]

    @classmethod
    def of(cls, rendered: Rendered, tree: exp.Query) -> Draft:
        """The draft of a tree."""
        scopes = scopes_of(tree)
        return cls(rendered, tree, scopes, references(scopes))

    def inputs(self, relations: Mapping[str, object]) -> tuple[str, ...]:
        """The names of relations that the template reads, in the order of the text."""
        named = (reference.name for reference in self.references)
        return tuple(dict.fromkeys(name for name in named if name in relations))


def read_draft(
    root: Path,
    pipeline_file: PipelineFile,
    keys: tuple[str | int, ...],
    name: str,
    interval: DataInterval,
    params: Mapping[str, Any],
) -> Draft | list[Diagnostic]:
    """Read, render and parse a template; if that fails, return what is wrong with it.

    :param keys: where the pipeline's file names the template.
    :param name: the template's path in the folder of templates.
    """
    folder = (root / TEMPLATES).resolve()
    path = (folder / name).resolve()
    if not path.is_relative_to(folder):
        message = f"the template '{name}' leads out of {TEMPLATES}/"
        return [pipeline_file.file.diagnostic(keys, "E302", message)]
    shown = f"{TEMPLATES}/{name}"
    try:
        if path.exists() and not path.is_file():
            message = f"the template '{name}' is no file"
            return [
                pipeline_file.file.diagnostic(keys, "E302", message, "write its SQL into a file")
            ]
        source = path.read_text(encoding="utf-8-sig")
    except UnicodeDecodeError as error:
        return [not_utf8(shown, error)]
    except OSError:  # also if the name is too long
        templates = [
            str(file.relative_to(folder)) for file in folder.rglob("*.sql") if file.is_file()
        ]
        message = f"there is no template '{name}' under {TEMPLATES}/"
        return [pipeline_file.file.diagnostic(keys, "E302", message, did_you_mean(name, templates))]
    return parsed(shown, source, interval, params, folder)


def parsed(
    shown: str,
    source: str,
    interval: DataInterval,
    params: Mapping[str, Any],
    folder: Path | None = None,
) -> Draft | list[Diagnostic]:
    """Render and parse the text of a template; if that fails, return what is wrong with it.

    :param shown: the path that diagnostics have.
    :param folder: where templates lie, whose macros it may import.
    """
    try:
        rendered = render_sql(shown, source, interval, params, folder)
    except TemplateProblemError as error:
        return [error.diagnostic]
    try:
        tree = dialect.parse(rendered.sql)
    except dialect.SqlSyntaxError as error:
        return [
            _syntax(rendered, syntax_error) for syntax_error in syntax_errors(rendered.sql, error)
        ]
    if twice := repeated_name(tree):
        message = f"two tables of this FROM are called '{twice.name}'"
        hint = "give one of them another alias"
        return [rendered.diagnostic(twice.offset, "E414", message, hint)]
    return Draft.of(rendered, tree)


def _syntax(rendered: Rendered, error: dialect.SqlSyntaxError) -> Diagnostic:
    hint = "a comma, a bracket or a keyword before it is missing or too much"
    hint = hint if str(error).startswith("SQL syntax") else error.hint
    if rendered.is_glued():
        hint = "a value is a literal; a name that is made of values: {{ ident(params.x ~ '_y') }}"
    if CURLY.search(rendered.sql):
        hint = CURLY_HINT
    return rendered.diagnostic(error.offset, error.code, str(error), hint)
