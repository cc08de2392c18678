"""Find the places of mistakes in a template: unknown names, and attributes it may not use."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from jinja2 import TemplateSyntaxError, UndefinedError

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.sql.sandbox import Sandbox

# What templates of dbt and of Airflow use, with what to write instead.
DBT = {
    "ref": "write the name of the relation itself: FROM orders",
    "source": "write the name of the source itself: FROM orders",
    "this": "a query does not read its own table; write the name of another relation",
    "ds": "write {{ interval.date }}",
    "ts": "write {{ interval.start }}",
    "data_interval_start": "write {{ interval.start }}",
    "data_interval_end": "write {{ interval.end }}",
    "logical_date": "write {{ interval.start }}",
    "execution_date": "write {{ interval.start }}",
    "var": "write {{ params.x }}, and `params: {x: ...}` in the pipeline's file",
    "config": "settings stand in the pipeline's file, not in the template",
}
_HIDDEN = re.compile(r"__\w+__")


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """The line and column of a character, both counted from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def tokens_of(environment: Sandbox, source: str) -> Iterator[tuple[int, str, str]]:
    """The offset, kind and text of every token of a template."""
    position = 0
    for _, kind, text in environment.lex(source):
        start = source.index(text, position)
        position = start + len(text)
        yield start, kind, text


def reached_for(source: str) -> list[tuple[int, str]]:
    """The offset and name of every attribute that a template uses but may not use."""
    try:
        tokens = [token for token in tokens_of(Sandbox(), source) if token[1] != "whitespace"]
    except TemplateSyntaxError:
        return []
    reached = []
    for (_, _, before), (start, kind, text) in pairwise(tokens):
        name = text.strip("\"'")
        named = (kind == "name" and before == ".") or (kind == "string" and before == "[")
        if (named and name.startswith("_")) or (kind == "string" and _HIDDEN.fullmatch(name)):
            reached.append((start, name))
    return reached


def reaching(path: str, line: int, column: int, name: str) -> Diagnostic:
    """The diagnostic of a template that uses a forbidden attribute."""
    message = f"a template may not reach for '{name}'"
    hint = "it uses values alone: params, interval and what it sets itself"
    return Diagnostic(path, line, column, "E703", message, hint)


def why(path: str, source: str, error: Exception, params: list[str]) -> Diagnostic:
    """The diagnostic of a rendering error, placed at the name that the error mentions."""
    message = str(error) or type(error).__name__
    if "no loader" in message:
        message, hint = "a template stands by itself", "write what is shared as a transform"
        place = line_and_column(source, _tag(source, ("include", "import", "extends", "from")))
        return Diagnostic(path, *place, "E402", f"{message}: it cannot take in another", hint)
    line, column = _expression_place(path, source, error)
    for start, name in reached_for(source):
        if name in message:
            return reaching(path, *line_and_column(source, start), name)
    name = (re.findall(r"'(\w+)'", message) or [""])[-1]
    if not isinstance(error, UndefinedError) or not name:
        return Diagnostic(path, line, column, "E402", f"the template does not render: {message}")
    line, column = _name_place(source, name, line, attribute="has no attribute" in message) or (
        line,
        column,
    )
    return unknown_name(path, line, column, name, params)


def unknown_name(path: str, line: int, column: int, name: str, params: Iterable[str]) -> Diagnostic:
    """The diagnostic of an unknown name in a template."""
    names = [*(f"params.{key}" for key in sorted(params))]
    names += ["interval.start", "interval.end", "interval.date", "ident", "as_of"]
    hint = did_you_mean(name, {key.rpartition(".")[2]: key for key in names})
    if name in DBT:
        hint = DBT[name]
    elif hint.startswith("known"):
        hint = f"known: {', '.join(names)}"
    return Diagnostic(path, line, column, "E403", f"unknown name '{name}' in the template", hint)


def unknown_names(source: str, params: Iterable[str]) -> list[tuple[int, str]]:
    """The offset and name of every attribute of `params` and `interval` that does not exist.

    A name may be missing where the template tests for it (`is defined`) or gives a default.
    """
    known = {"params": set(params), "interval": {"start", "end", "date"}}
    tokens = [token for token in tokens_of(Sandbox(), source) if token[1] != "whitespace"]
    texts = [text for _, _, text in tokens] + ["", ""]
    return [
        (start, name)
        for index, (start, kind, name) in enumerate(tokens)
        if kind == "name"
        and index > 1
        and texts[index - 1] == "."
        and texts[index - 2] in known
        and name not in known[texts[index - 2]]
        and texts[index + 1] not in ("is", "|", "(")
    ]


def _name_place(source: str, name: str, line: int, *, attribute: bool) -> tuple[int, int] | None:
    """The first place of a name from a line on: in `x.name` or `x['name']`, or alone."""
    before = ""
    for start, kind, text in tokens_of(Sandbox(), source):
        place = line_and_column(source, start)
        named = text == name and kind == "name" and attribute == (before == ".")
        if place[0] >= line and (named or (attribute and kind == "string" and text[1:-1] == name)):
            return place
        before = before if kind == "whitespace" else text
    return None


def _tag(source: str, words: tuple[str, ...]) -> int:
    """The offset of the first tag with one of these words; 0 if there is none."""
    starts = (
        start
        for start, kind, text in tokens_of(Sandbox(), source)
        if text in words and kind == "name"
    )
    return next(starts, 0)


def _expression_place(path: str, source: str, error: Exception) -> tuple[int, int]:
    """The line that Jinja was rendering, from the traceback, and the column of its first tag."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename in ("<template>", path):
            line = trace.tb_lineno
        trace = trace.tb_next
    text = (source.split("\n")[line - 1 : line] or [""])[0]
    return line, max(text.find("{{"), text.find("{%"), 0) + 1
