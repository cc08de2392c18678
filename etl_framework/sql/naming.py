"""What is wrong with a template, and where: names that are not there or not to be reached for."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import pairwise

from jinja2 import TemplateSyntaxError, UndefinedError

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.sql.sandbox import Sandbox

_HIDDEN = re.compile(r"__\w+__")


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Where a character is, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def tokens_of(environment: Sandbox, source: str) -> Iterator[tuple[int, str, str]]:
    """Offset, kind and text of each of the template's tokens."""
    position = 0
    for _, kind, text in environment.lex(source):
        start = source.index(text, position)
        position = start + len(text)
        yield start, kind, text


def reached_for(source: str) -> list[tuple[int, str]]:
    """Offset and name of every attribute that a template reaches for and may not have."""
    try:
        found = [token for token in tokens_of(Sandbox(), source) if token[1] != "whitespace"]
    except TemplateSyntaxError:
        return []
    reached = []
    for (_, _, before), (start, kind, text) in pairwise(found):
        name = text.strip("\"'")
        named = (kind == "name" and before == ".") or (kind == "string" and before == "[")
        if (named and name.startswith("_")) or (kind == "string" and _HIDDEN.fullmatch(name)):
            reached.append((start, name))
    return reached


def reaching(path: str, line: int, column: int, name: str) -> Diagnostic:
    """The problem of a template that reaches for such an attribute."""
    message = f"a template may not reach for '{name}'"
    hint = "it uses values alone: params, interval and what it sets itself"
    return Diagnostic(path, line, column, "E703", message, hint)


def why(path: str, source: str, error: Exception, params: list[str]) -> Diagnostic:
    """The diagnostic of an error while rendering, placed at the name it speaks of."""
    message = str(error) or type(error).__name__
    if "no loader" in message:
        message, hint = "a template stands by itself", "write what is shared as a transform"
        place = line_and_column(source, _tag(source, ("include", "import", "extends", "from")))
        return Diagnostic(path, *place, "E402", f"{message}: it cannot take in another", hint)
    line, column = _expression_place(source, error)
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
    """The problem of a name that a template does not know."""
    names = [*(f"params.{key}" for key in sorted(params))]
    names += ["interval.start", "interval.end", "interval.date", "ident"]
    hint = did_you_mean(name, {key.rpartition(".")[2]: key for key in names})
    if hint.startswith("known"):
        hint = f"known: {', '.join(names)}"
    return Diagnostic(path, line, column, "E403", f"unknown name '{name}' in the template", hint)


def unknown_names(source: str, params: Iterable[str]) -> list[tuple[int, str]]:
    """Offset and name of all that is asked of `params` and `interval` and is not there.

    Where a template asks whether it is there, or has a default, it may be missing.
    """
    known = {"params": set(params), "interval": {"start", "end", "date"}}
    found = [token for token in tokens_of(Sandbox(), source) if token[1] != "whitespace"]
    texts = [text for _, _, text in found] + ["", ""]
    return [
        (start, name)
        for index, (start, kind, name) in enumerate(found)
        if kind == "name"
        and index > 1
        and texts[index - 1] == "."
        and texts[index - 2] in known
        and name not in known[texts[index - 2]]
        and texts[index + 1] not in ("is", "|", "(")
    ]


def _name_place(source: str, name: str, line: int, *, attribute: bool) -> tuple[int, int] | None:
    """Where a name stands, on a line or after it: as `x.name` or `x['name']`, or alone."""
    before = ""
    for start, kind, text in tokens_of(Sandbox(), source):
        place = line_and_column(source, start)
        named = text == name and kind == "name" and attribute == (before == ".")
        if place[0] >= line and (named or (attribute and kind == "string" and text[1:-1] == name)):
            return place
        before = before if kind == "whitespace" else text
    return None


def _tag(source: str, words: tuple[str, ...]) -> int:
    """The offset of the first tag of one of these kinds."""
    found = (
        start
        for start, kind, text in tokens_of(Sandbox(), source)
        if text in words and kind == "name"
    )
    return next(found, 0)


def _expression_place(source: str, error: Exception) -> tuple[int, int]:
    """The template line that was running, from the traceback that Jinja rewrites."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    text = (source.split("\n")[line - 1 : line] or [""])[0]
    return line, max(text.find("{{"), text.find("{%"), 0) + 1
