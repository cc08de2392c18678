"""What a template may touch: values, names through `ident()`, and no text of its own making."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from etl_framework.interval import DataInterval
from etl_framework.sql.quote import quote, redshift_literal

MAX_LENGTH = 200_000
MAX_TURNS = 100_000  # of all loops and macros together
# What makes long texts of short ones, and is not needed to write SQL.
_WITHOUT = ("center", "format", "indent", "wordwrap", "urlize", "xmlattr", "pprint", "random")
_WIDE = {
    "center",
    "ljust",
    "rjust",
    "zfill",
    "format",
    "format_map",
    "expandtabs",
    "translate",
    "join",
    "replace",
}


@dataclass(frozen=True)
class IntervalValues:
    """`interval.start`, `interval.end`, `interval.date`."""

    start: Any
    end: Any
    date: str

    @classmethod
    def of(cls, interval: DataInterval) -> IntervalValues:
        """The values of one interval."""
        return cls(interval.start, interval.end, interval.date)


class ParamValues:
    """`params.x` and nothing of a dictionary's own methods."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(name)
        return self._values[name]


@dataclass(frozen=True)
class _Identifier:
    """A name that becomes SQL by itself and cannot become part of a text."""

    name: str

    def __str__(self) -> str:
        raise TypeError("ident() stands by itself: put the text together inside its parentheses")


def ident(name: str) -> _Identifier:
    """A name of a table or column, from a value.

    :raises TypeError: it is no text.
    """
    if not isinstance(name, str) or isinstance(name, Markup):
        raise TypeError("ident() takes a text, for example ident('name')")
    return _Identifier(name)


@dataclass(frozen=True)
class Chunk:
    """A piece of SQL, and where it stands in the template; a value has no place of its own."""

    text: str
    start: int = -1
    end: int = -1


class Chunks:
    """The pieces of SQL of one rendering, each of which a mark stands for while Jinja runs.

    Jinja only ever sees marks in place of SQL. So whatever else is in its result came there
    without becoming a literal, whichever filter or operator did it, and is refused.
    """

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._values_length = 0
        self._turns = 0
        self._secret = secrets.token_hex(4)  # so that no value can pass for a mark
        self._pattern = re.compile(f"\ue000{self._secret}:(\\d+)\ue001\n*|(.)", re.DOTALL)

    def mark(self, chunk: Chunk) -> str:
        """What stands for a piece; it has as many lines, as Jinja counts them for its errors."""
        self._chunks.append(chunk)
        lines = "\n" * chunk.text.count("\n") if chunk.start >= 0 else ""
        return f"\ue000{self._secret}:{len(self._chunks) - 1}\ue001{lines}"

    @property
    def turn(self) -> str:
        """The name that a template calls at each turn of a loop; nobody can know it before."""
        return f"turn_{self._secret}"

    @pass_context  # without it Jinja writes constants as they are
    def finalize(self, _: Context, value: Any) -> Any:
        """A value as a mark; what holds marks already (a macro's result) as it is."""
        if value is self:  # a turn of a loop
            self._turns += 1
            if self._turns > MAX_TURNS:
                raise ValueError(f"its loops turn over {MAX_TURNS} times")
            return Markup("")
        if isinstance(value, Markup | StrictUndefined):
            self._count(len(value) if isinstance(value, Markup) else 0)
            return value
        text = quote(value.name) if isinstance(value, _Identifier) else redshift_literal(value)
        if self._secret in text:
            raise TypeError("what a macro gives stands by itself")
        self._count(len(text) + 1)
        return Markup(self.mark(Chunk(text)))

    def _count(self, length: int) -> None:
        self._values_length += length
        if self._values_length > MAX_LENGTH:
            raise ValueError(f"the values have over {MAX_LENGTH} characters")

    def read(self, output: Iterable[str]) -> Iterator[Chunk | None]:
        """The pieces that Jinja's result stands for, in order; None for text that is no mark.

        :raises ValueError: they are too long.
        """
        length, pieces = 0, []
        for piece in output:
            pieces.append(piece)
            length += len(piece)
            if length > MAX_LENGTH:
                break
        for found in self._pattern.finditer("".join(pieces)):
            chunk = self._chunks[int(found[1])] if found[1] else None
            length += len(chunk.text) if chunk else 0
            if length > MAX_LENGTH:
                raise ValueError(f"the template renders over {MAX_LENGTH} characters")
            yield chunk


class _Bounded(CodeGenerator):
    """Jinja's code, which looks at what `~` makes."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.bounded(")
        super().visit_Concat(node, frame)
        self.write(")")


def _joined(value: Iterable[Any], between: str = "") -> str:
    """A list as one text."""
    texts = [str(each) for each in value]
    if sum(map(len, texts)) + len(texts) * len(between) > MAX_LENGTH:
        raise ValueError(f"the text is over {MAX_LENGTH} long")
    return between.join(texts)


def _replaced(value: str, old: str, new: str) -> str:
    """A text with one piece written otherwise."""
    if len(value) + value.count(old) * len(new) > MAX_LENGTH:
        raise ValueError(f"the text is over {MAX_LENGTH} long")
    return value.replace(old, new)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without its globals, and with bounds to what operators and filters make."""

    intercepted_binops = frozenset(["*", "**", "+", "%"])
    code_generator_class = _Bounded

    def __init__(self, **options: Any) -> None:
        super().__init__(undefined=StrictUndefined, **options)
        self.globals.clear()
        for name in _WITHOUT:
            self.filters.pop(name, None)
        self.filters |= {"join": _joined, "replace": _replaced}

    def is_safe_attribute(self, obj: Any, attr: str, value: Any) -> bool:
        """Whether a template may use an attribute."""
        wide = isinstance(obj, str) and attr in _WIDE
        return not wide and super().is_safe_attribute(obj, attr, value)

    def wrap_str_format(self, value: Any) -> None:
        """Nothing of a text's own `format` is to be had."""
        return

    @staticmethod
    def bounded(text: Any) -> Any:
        """What `~` makes.

        :raises ValueError: it is long.
        """
        if len(text) > MAX_LENGTH:
            raise ValueError(f"the text is over {MAX_LENGTH} long")
        return text

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """`left * right`, `left ** right`, `left + right` or `left % right`.

        :raises ValueError: the result would be large.
        """
        if operator == "%" and isinstance(left, str):
            raise ValueError("a text has no operator %")
        if operator == "+":
            return self.bounded(left + right) if hasattr(left, "__len__") else left + right
        if operator == "**" and (abs(left) > 1_000_000 or abs(right) > 100):
            raise ValueError("the power is too large")
        for many, times in ((left, right), (right, left)):
            if isinstance(many, str | list | tuple) and len(many) * times > MAX_LENGTH:
                raise ValueError(f"the text or list is over {MAX_LENGTH} long")
        return super().call_binop(context, operator, left, right)
