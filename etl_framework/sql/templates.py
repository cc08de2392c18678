"""SQL templates: Jinja in a sandbox, with every value written as a literal of SQL."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from jinja2 import StrictUndefined, TemplateError, TemplateSyntaxError, UndefinedError
from jinja2.exceptions import SecurityError
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import literal, quote

_MARK = re.compile("\ue000(\\d+)\ue001")
MAX_LENGTH = 1_000_000


@dataclass(frozen=True)
class Rendered:
    """SQL text, with the way back from a place in it to the place in its template."""

    path: str
    source: str
    sql: str
    _starts: list[int] = field(default_factory=list, repr=False)
    _origins: list[int] = field(default_factory=list, repr=False)

    def place(self, offset: int) -> tuple[int, int]:
        """Line and column (from 1) in the template of a character in the SQL."""
        index = bisect_right(self._starts, offset) - 1
        if index < 0:
            return 1, 1
        limit = self._origins[index + 1] if index + 1 < len(self._origins) else len(self.source)
        origin = self._origins[index] + offset - self._starts[index]
        return line_and_column(self.source, min(origin, max(limit, self._origins[index])))

    def diagnostic(self, offset: int, code: str, message: str, hint: str = "") -> Diagnostic:
        """A problem at a character of the SQL."""
        return Diagnostic(self.path, *self.place(offset), code, message, hint)


def line_and_column(text: str, offset: int) -> tuple[int, int]:
    """Where a character is, both from 1."""
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


class TemplateProblemError(Exception):
    """A template cannot be rendered; holds the diagnostic."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        self.diagnostic = diagnostic
        super().__init__(str(diagnostic))


def render_sql(
    path: str, source: str, interval: DataInterval, params: Mapping[str, Any]
) -> Rendered:
    """Fill in a SQL template: `{{ interval.start }}`, `{{ params.limit }}`, `{{ ident(name) }}`.

    Every value becomes a literal, so no value can change what the SQL does; a name becomes part of
    the SQL only through `ident()`.

    :raises TemplateProblemError: a syntax error, an unknown name, a way out of the sandbox.
    """
    environment = _sql_environment()
    known = {"interval": _IntervalValues(interval), "params": _Params(params), "ident": _ident}
    try:
        text = environment.from_string(_with_marks(environment, source)).render(known)
    except TemplateSyntaxError as error:
        line = source.split("\n")[error.lineno - 1 : error.lineno] or [""]
        column = len(line[0]) - len(line[0].lstrip()) + 1
        at = (path, error.lineno, column)
        raise TemplateProblemError(
            Diagnostic(*at, "E401", f"template syntax: {error.message}")
        ) from error
    except (TemplateError, SecurityError, TypeError, ArithmeticError, ValueError) as error:
        raise TemplateProblemError(_why(path, source, error, known)) from error
    if len(text) > MAX_LENGTH:
        problem = Diagnostic(
            path, 1, 1, "E402", f"the template renders over {MAX_LENGTH} characters"
        )
        raise TemplateProblemError(problem)
    return _without_marks(path, source, text)


def _why(path: str, source: str, error: Exception, known: Mapping[str, Any]) -> Diagnostic:
    """The diagnostic of an error while rendering, placed at the name it speaks of."""
    message = str(error)
    name = (re.findall(r"'(\w+)'", message) or [""])[-1]
    missing = isinstance(error, UndefinedError) and name
    found = re.search(rf"{{[{{%][^}}]*?\b({re.escape(name)})\b", source) if missing else None
    place = line_and_column(source, found.start(1)) if found else _expression_place(source, error)
    if not missing:
        return Diagnostic(path, *place, "E402", f"the template does not render: {message}")
    params = [f"params.{key}" for key in known["params"].keys()]  # noqa: SIM118 - not a dict
    names = [*params, "interval.start", "interval.end", "interval.date", "ident"]
    near = {key.rpartition(".")[2]: key for key in names}
    hint = did_you_mean(name, near)
    if hint.startswith("known"):
        hint = f"known: {', '.join(names)}"
    return Diagnostic(path, *place, "E403", f"unknown name '{name}' in the template", hint)


def _expression_place(source: str, error: Exception) -> tuple[int, int]:
    """The template line that was running, from the traceback that Jinja rewrites."""
    line, trace = 1, error.__traceback__
    while trace:
        if trace.tb_frame.f_code.co_filename == "<template>":
            line = trace.tb_lineno
        trace = trace.tb_next
    text = (source.split("\n")[line - 1 : line] or [""])[0]
    return line, max(text.find("{{"), text.find("{%"), 0) + 1


def render_text(source: str, known: Mapping[str, Any]) -> str:
    """Fill in a path or a setting; values are written as they are.

    :raises TemplateError: a syntax error or an unknown name.
    """
    return _text_environment().from_string(source).render(known)


def text_values(interval: DataInterval) -> dict[str, Any]:
    """What a path may use."""
    return {"interval": _IntervalValues(interval)}


@dataclass(frozen=True)
class _IntervalValues:
    start: Any
    end: Any
    date: str

    def __init__(self, interval: DataInterval) -> None:
        object.__setattr__(self, "start", interval.start)
        object.__setattr__(self, "end", interval.end)
        object.__setattr__(self, "date", interval.date)


class _Params:
    """`params.x` and nothing of a dictionary's own methods."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(name)
        return self._values[name]

    def keys(self) -> list[str]:
        return sorted(self._values)


def _ident(name: str) -> Markup:
    return Markup(quote(name))


def _finalize(value: Any) -> Any:
    if isinstance(value, Markup | StrictUndefined):
        return value
    return Markup(literal(value))


@cache
def _sql_environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(
        undefined=StrictUndefined, finalize=_finalize, autoescape=True, keep_trailing_newline=True
    )
    environment.globals.clear()
    return environment


@cache
def _text_environment() -> ImmutableSandboxedEnvironment:
    environment = ImmutableSandboxedEnvironment(undefined=StrictUndefined)
    environment.globals.clear()
    return environment


def _with_marks(environment: ImmutableSandboxedEnvironment, source: str) -> str:
    """The template with its own offset written before each stretch of plain text."""
    pieces, position = [], 0
    if "\ue000" in source:
        return source
    for _, kind, text in environment.lex(source):
        if kind != "data" or not text.strip():
            continue
        start = source.index(text, position)
        lead = start + len(text) - len(text.lstrip())
        pieces.append(source[position:lead] + f"\ue000{lead}\ue001")
        pieces.append(source[lead : start + len(text)])
        position = start + len(text)
    return "".join(pieces) + source[position:]


def _without_marks(path: str, source: str, text: str) -> Rendered:
    starts, origins, pieces, length = [], [], [], 0
    for index, piece in enumerate(_MARK.split(text)):
        if index % 2:
            starts.append(length)
            origins.append(int(piece))
        else:
            pieces.append(piece)
            length += len(piece)
    return Rendered(path, source, "".join(pieces), starts, origins)
