"""SQL templates: Jinja in a sandbox, with every value written as an SQL literal."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables

from etl_framework.errors import Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.sql.sandbox import (
    MAX_LENGTH,
    Chunk,
    Chunks,
    Sandbox,
)
from etl_framework.sql.template_names import line_and_column, tokens_of, why
from etl_framework.sql.template_values import IntervalValues, ParamValues, as_of_moment, ident

_JINJA = re.compile(r"\{[{%#]")


@dataclass(frozen=True)
class Rendered:
    """SQL text that can map a place in it back to the place in its template.

    :param stretches: for every stretch of the template's own text, its start in the SQL, and its
        start and end in the template.
    """

    path: str
    source: str
    sql: str
    stretches: list[tuple[int, int, int]] = field(repr=False)

    def place(self, offset: int) -> tuple[int, int]:
        """The line and column (from 1) in the template of a character of the SQL."""
        index = bisect_right(self.stretches, offset, key=lambda stretch: stretch[0]) - 1
        if index < 0:
            return 1, 1
        at, start, end = self.stretches[index]
        return line_and_column(self.source, min(start + offset - at, end))

    def written(self, start: int, end: int) -> str | None:
        """The template's text for a part of the SQL; None if the part has a value or a tag."""
        index = bisect_right(self.stretches, start, key=lambda stretch: stretch[0]) - 1
        if index < 0:
            return None
        at, first, last = self.stretches[index]
        text = self.source[first + start - at : min(first + end - at, last)]
        return text if text == self.sql[start:end] else None

    def is_glued(self) -> bool:
        """Whether a word of the template follows a value without a space: `{{ params.x }}_y`."""
        return any(
            at > 0
            and re.match(r"\w", self.sql[at : at + 1])
            and re.match(r"['\w]", self.sql[at - 1])
            for at, start, _ in self.stretches
            if start > 0
        )

    def diagnostic(self, offset: int, code: str, message: str, hint: str = "") -> Diagnostic:
        """A diagnostic at a character of the SQL."""
        return Diagnostic(self.path, *self.place(offset), code, message, hint)


class TemplateProblemError(Exception):
    """A template cannot be rendered; the error holds the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(str(diagnostic))


def render_sql(
    path: str, source: str, interval: DataInterval, params: Mapping[str, Any]
) -> Rendered:
    """Fill in a SQL template: `{{ interval.start }}`, `{{ params.limit }}`, `{{ ident(name) }}`.

    Every value becomes a literal, so no value can change what the SQL does; a name becomes part of
    the SQL only through `ident()`, and through `as_of()`, which joins the version of a moment.

    :raises TemplateProblemError: the template has a syntax error or an unknown name, or uses what
        the sandbox forbids.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")  # as Jinja reads it
    if not _JINJA.search(source):
        return _as_it_is(path, source)
    chunks = Chunks()
    environment = Sandbox(finalize=chunks.finalize, autoescape=True, keep_trailing_newline=True)
    known = {
        "interval": IntervalValues.of(interval),
        "params": ParamValues(params),
        "ident": ident,
        "as_of": as_of_moment,
        chunks.turn: chunks,
    }
    try:
        template = environment.from_string(_marked(environment, chunks, source))
        pieces = list(chunks.read(template.generate(known)))
    except TemplateSyntaxError as error:
        line = source.split("\n")[error.lineno - 1 : error.lineno] or [""]
        opened = max(line[0].rfind("{{"), line[0].rfind("{%"), line[0].rfind("{#"))
        column = (opened if opened >= 0 else len(line[0]) - len(line[0].lstrip())) + 1
        message = f"template syntax: {str(error.message).rstrip('.')}"
        ends = {"print": "}}", "block": "%}", "comment": "#}"}
        missing = [end for word, end in ends.items() if f"end of {word}" in message.lower()]
        hint = f"close it with {missing[0]}" if missing else ""
        at = (path, error.lineno, column)
        raise TemplateProblemError(Diagnostic(*at, "E401", message, hint)) from error
    except Exception as error:  # a filter given the wrong value raises whatever Python does
        raise TemplateProblemError(why(path, source, error, list(params))) from error
    return _read(path, source, pieces)


def names_interval(source: str) -> bool:
    """Whether a template uses the data interval; a template that is none does not."""
    if not _JINJA.search(source):
        return False
    try:
        return "interval" in find_undeclared_variables(Sandbox().parse(source))
    except TemplateSyntaxError:
        return False


def _as_it_is(path: str, source: str) -> Rendered:
    """The SQL of a template that has nothing to fill in.

    :raises TemplateProblemError: the template is too long.
    """
    if len(source) > MAX_LENGTH:
        message = f"the template does not render: over {MAX_LENGTH} characters"
        raise TemplateProblemError(Diagnostic(path, 1, 1, "E402", message))
    return Rendered(path, source, source, [(0, 0, len(source))])


def _marked(environment: Sandbox, chunks: Chunks, source: str) -> str:
    """Replace every stretch of plain text by a mark, and put a mark before each expression."""
    pieces, position = [], 0
    block, turns = "", False
    for start, kind, text in tokens_of(environment, source):
        pieces.append(source[position:start])  # white space that a `-` removes
        position = start + len(text)
        if turns:
            pieces.append(f"{{{{ {chunks.turn} }}}}")
        turns = kind == "block_end" and block in ("for", "macro")
        if kind == "block_begin":
            block = ""
        elif kind == "name" and not block:
            block = text
        if kind == "data":
            text = chunks.mark(Chunk(text, start, position))
        elif text == "{{":
            text = chunks.mark(Chunk("", start, start)) + text
        pieces.append(text)
    return "".join(pieces) + source[position:]


def _read(path: str, source: str, chunks: list[Chunk | None]) -> Rendered:
    """Put the SQL together from its pieces.

    :raises TemplateProblemError: a piece is neither the template's own text nor a whole value.
    """
    stretches, values, length = [], [], 0
    for chunk in chunks:
        if chunk is None:
            continue
        if chunk.start >= 0:
            stretches.append((length, chunk.start, chunk.end))
        else:
            values.append((length, length + len(chunk.text)))
        length += len(chunk.text)
    sql = "".join(chunk.text for chunk in chunks if chunk)
    rendered = Rendered(path, source, sql, stretches)
    if None in chunks:
        before = sum(len(chunk.text) for chunk in chunks[: chunks.index(None)] if chunk)
        message = "the template does not render: text that is neither a value nor the template's"
        hint = "write no operator or filter around a macro, and no filter for HTML"
        raise TemplateProblemError(rendered.diagnostic(before, "E402", message, hint))
    if (wrong := _not_by_itself(sql, values)) is not None:
        message = "a value inside a quoted text, a comment or another word"
        hint = "a value is quoted by itself: write {{ params.x }} without quotes around it"
        raise TemplateProblemError(rendered.diagnostic(wrong, "E402", message, hint))
    return rendered


def _not_by_itself(sql: str, values: list[tuple[int, int]]) -> int | None:
    """The offset of the first value that is not made of whole SQL tokens."""
    import sqlglot

    if not values:
        return None
    try:
        tokens = sqlglot.tokenize(sql, read="redshift")
    except sqlglot.errors.SqlglotError:
        try:  # a value may have ended the comment that it stands in
            tokens = sqlglot.tokenize(_masked(sql, values), read="redshift")
        except sqlglot.errors.SqlglotError:
            return None  # the template itself does not end its quotes, which parsing reports
    starts = {token.start for token in tokens}
    ends = {token.end + 1 for token in tokens}
    return next((start for start, end in values if start not in starts or end not in ends), None)


def _masked(sql: str, values: list[tuple[int, int]]) -> str:
    for start, end in values:
        sql = sql[:start] + "0" * (end - start) + sql[end:]
    return sql


def render_text(source: str, known: Mapping[str, Any]) -> str:
    """Fill in a path or a setting; values are written as they are.

    :raises TemplateError: the text has a syntax error, an unknown name, or a filter with a wrong
        value.
    """
    try:
        return _text_environment().from_string(source).render(known)
    except TemplateError:
        raise
    except Exception as error:  # filters raise any of Python's errors
        raise TemplateError(str(error)) from error


def text_values(interval: DataInterval) -> dict[str, Any]:
    """The names that a path may use."""
    return {"interval": IntervalValues.of(interval)}


@cache
def _text_environment() -> Sandbox:
    return Sandbox()
