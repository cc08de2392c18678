"""SQL templates: Jinja in a sandbox, with every value written as an SQL literal."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import FunctionLoader, TemplateError, TemplateSyntaxError
from jinja2.meta import find_undeclared_variables

from etl_framework.errors import Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.sql.macros import Sources
from etl_framework.sql.rendered import Rendered
from etl_framework.sql.sandbox import (
    MAX_LENGTH,
    Chunk,
    Chunks,
    Sandbox,
)
from etl_framework.sql.template_names import tokens_of, why
from etl_framework.sql.template_values import IntervalValues, ParamValues, as_of_moment, ident

# What stands around a value that is compared.
_BEFORE = re.compile(r"(?:[<>=]|\bBETWEEN|\bBETWEEN\s[^()]*\bAND)\s*$", re.IGNORECASE)
_AFTER = re.compile(r"\s*(?:[<>=]|!=|BETWEEN\b)", re.IGNORECASE)
_JINJA = re.compile(r"\{[{%#]")


class TemplateProblemError(Exception):
    """A template cannot be rendered; the error holds the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(str(diagnostic))


def render_sql(
    path: str,
    source: str,
    interval: DataInterval,
    params: Mapping[str, Any],
    folder: Path | None = None,
) -> Rendered:
    """Fill in a SQL template: `{{ interval.start }}`, `{{ params.limit }}`, `{{ ident(name) }}`.

    Every value becomes a literal, so no value can change what the SQL does; a name becomes part of
    the SQL only through `ident()`, and through `as_of()`, which joins the version of a moment.
    Macros are imported from `macros/`: `{% from 'macros/dates.sql' import month_of %}`. They see
    their arguments, `ident()` and `as_of()`.

    :param folder: where templates lie; without it no macros are imported.
    :raises TemplateProblemError: the template has a syntax error or an unknown name, or uses what
        the sandbox forbids.
    """
    source = source.replace("\r\n", "\n").replace("\r", "\n")  # as Jinja reads it
    if not _JINJA.search(source):
        return _as_it_is(path, source)
    sources = Sources(folder, [(path, source)])
    if problem := sources.problem():
        raise TemplateProblemError(problem)
    chunks = Chunks()
    environment = Sandbox(
        finalize=chunks.finalize,
        autoescape=True,
        keep_trailing_newline=True,
        loader=FunctionLoader(lambda name: _macros(environment, chunks, sources, name)),
    )
    environment.globals |= {"ident": ident, "as_of": as_of_moment, chunks.turn: chunks}
    known = {"interval": IntervalValues.of(interval), "params": ParamValues(params)}
    try:
        template = environment.from_string(_marked(environment, chunks, source))
        pieces = list(chunks.read(template.generate(known)))
    except TemplateSyntaxError as error:
        raise TemplateProblemError(_syntax(sources, error)) from error
    except Exception as error:  # a filter given the wrong value raises whatever Python does
        at = _raised_in(sources, error)
        raise TemplateProblemError(why(*sources.texts[at], error, list(params))) from error
    return _read(sources, pieces)


def _macros(
    environment: Sandbox, chunks: Chunks, sources: Sources, name: str
) -> tuple[str, str, None] | None:
    """A file of macros as Jinja's loader gives it; its text has marks as the template's has."""
    number = sources.read(name)
    if number is None:
        return None
    path, text = sources.texts[number]
    return _marked(environment, chunks, text, number), path, None


def _syntax(sources: Sources, error: TemplateSyntaxError) -> Diagnostic:
    paths = [path for path, _ in sources.texts]
    path, source = sources.texts[paths.index(error.filename) if error.filename in paths else 0]
    line = source.split("\n")[error.lineno - 1 : error.lineno] or [""]
    opened = max(line[0].rfind("{{"), line[0].rfind("{%"), line[0].rfind("{#"))
    column = (opened if opened >= 0 else len(line[0]) - len(line[0].lstrip())) + 1
    message = f"template syntax: {str(error.message).rstrip('.')}"
    ends = {"print": "}}", "block": "%}", "comment": "#}"}
    missing = [end for word, end in ends.items() if f"end of {word}" in message.lower()]
    hint = f"close it with {missing[0]}" if missing else ""
    return Diagnostic(path, error.lineno, column, "E401", message, hint)


def _raised_in(sources: Sources, error: Exception) -> int:
    """The number of the file whose template raised an error; of nested ones the innermost."""
    found, trace = 0, error.__traceback__
    paths = [path for path, _ in sources.texts]
    while trace:
        name = trace.tb_frame.f_code.co_filename
        if name in paths:
            found = paths.index(name)
        trace = trace.tb_next
    return found


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
    return Rendered(path, source, source, [(0, 0, len(source), 0)])


def _marked(environment: Sandbox, chunks: Chunks, source: str, file: int = 0) -> str:
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
            text = chunks.mark(Chunk(text, start, position, file))
        elif text == "{{":
            text = chunks.mark(Chunk("", start, start, file)) + text
        pieces.append(text)
    return "".join(pieces) + source[position:]


def _read(sources: Sources, chunks: list[Chunk | None]) -> Rendered:
    """Put the SQL together from its pieces.

    :raises TemplateProblemError: a piece is neither the template's own text nor a whole value.
    """
    stretches, values, length = [], [], 0
    for chunk in _written_as_compared(chunks):
        if chunk is None:
            continue
        if chunk.start >= 0:
            stretches.append((length, chunk.start, chunk.end, chunk.file))
        else:
            values.append((length, length + len(chunk.text)))
        length += len(chunk.text)
    sql = "".join(chunk.text for chunk in chunks if chunk)
    (path, source), *macros = sources.texts
    rendered = Rendered(path, source, sql, stretches, macros)
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


def _written_as_compared(chunks: list[Chunk | None]) -> list[Chunk | None]:
    """Let values beside an operator such as `<`, or in BETWEEN, be as they are compared."""
    texts = [chunk.text if chunk else "" for chunk in chunks]
    for place, chunk in enumerate(chunks):
        if chunk and chunk.compared:
            before, after = "".join(texts[:place]), "".join(texts[place + 1 : place + 2])
            if _BEFORE.search(before) or _AFTER.match(after):
                chunks[place] = replace(chunk, text=chunk.compared)
    return chunks


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
