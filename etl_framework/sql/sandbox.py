"""Run templates in a sandbox: they may use values, and names through `ident()`, but make no SQL."""

from __future__ import annotations

import re
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from jinja2 import StrictUndefined, nodes, pass_context
from jinja2.compiler import CodeGenerator, Frame
from jinja2.runtime import Context
from jinja2.sandbox import ImmutableSandboxedEnvironment
from markupsafe import Markup

from etl_framework.sql.template_values import compared, written

MAX_LENGTH = 200_000
MAX_TURNS = 100_000  # turns of all loops and macros together
# Filters and methods that make long texts from short ones; SQL does not need them.
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
class Chunk:
    """A piece of SQL and its place in the template; a value has no place (-1).

    :param file: which of the rendering's files it is from, the template or one with macros.
    :param compared: what a value becomes where it is compared, if that is something else.
    """

    text: str
    start: int = -1
    end: int = -1
    file: int = 0
    compared: str = ""


class Chunks:
    """The pieces of SQL of one rendering. While Jinja runs, a mark stands for each of them.

    Jinja sees only marks, never SQL. So any other text in its result did not become a literal,
    whichever filter or operator made it, and is refused.
    """

    def __init__(self) -> None:
        self._chunks: list[Chunk] = []
        self._values_length = 0
        self._turns = 0
        self._secret = secrets.token_hex(4)  # so that no value can pass for a mark
        self._pattern = re.compile(f"\ue000{self._secret}:(\\d+)\ue001\n*|(.)", re.DOTALL)

    def mark(self, chunk: Chunk) -> str:
        """Keep a piece and return its mark, which has as many lines as the piece.

        Jinja counts the lines for its errors.
        """
        self._chunks.append(chunk)
        lines = "\n" * chunk.text.count("\n") if chunk.start >= 0 else ""
        return f"\ue000{self._secret}:{len(self._chunks) - 1}\ue001{lines}"

    @property
    def turn(self) -> str:
        """The name that a template uses at every turn of a loop; no template can guess it."""
        return f"turn_{self._secret}"

    @pass_context  # without it Jinja writes constants without calling this
    def finalize(self, _: Context, value: Any) -> Any:
        """Turn a value into a mark; text that holds marks already (a macro's result) stays."""
        if value is self:  # a turn of a loop
            self._turns += 1
            if self._turns > MAX_TURNS:
                raise ValueError(f"its loops turn over {MAX_TURNS} times")
            return Markup("")
        if isinstance(value, Markup | StrictUndefined):
            self._count(len(value) if isinstance(value, Markup) else 0)
            return value
        text = written(value)
        if self._secret in text:
            raise TypeError("what a macro gives stands by itself")
        self._count(len(text) + 1)
        return Markup(self.mark(Chunk(text, compared=compared(value))))

    def _count(self, length: int) -> None:
        self._values_length += length
        if self._values_length > MAX_LENGTH:
            raise ValueError(f"the values have over {MAX_LENGTH} characters")

    def read(self, output: Iterable[str]) -> Iterator[Chunk | None]:
        """The pieces for the marks in Jinja's result, in order; None for text that is not a mark.

        :raises ValueError: the pieces are too long.
        """
        length, pieces = 0, []
        for piece in output:
            pieces.append(piece)
            length += len(piece)
            if length > MAX_LENGTH:
                break
        for match in self._pattern.finditer("".join(pieces)):
            chunk = self._chunks[int(match[1])] if match[1] else None
            length += len(chunk.text) if chunk else 0
            if length > MAX_LENGTH:
                raise ValueError(f"the template renders over {MAX_LENGTH} characters")
            yield chunk


class _Bounded(CodeGenerator):
    """Generates Jinja's code so that it checks the length of what `~` makes."""

    def visit_Concat(self, node: nodes.Concat, frame: Frame) -> None:
        self.write("environment.bounded(")
        super().visit_Concat(node, frame)
        self.write(")")


def _joined(value: Iterable[Any], between: str = "") -> str:
    """The filter `join`, with a limit to the length of the result."""
    texts = [str(item) for item in value]
    if sum(map(len, texts)) + len(texts) * len(between) > MAX_LENGTH:
        raise ValueError(f"the text is over {MAX_LENGTH} long")
    return between.join(texts)


def _replaced(value: str, old: str, new: str) -> str:
    """The filter `replace`, with a limit to the length of the result."""
    if len(value) + value.count(old) * len(new) > MAX_LENGTH:
        raise ValueError(f"the text is over {MAX_LENGTH} long")
    return value.replace(old, new)


class Sandbox(ImmutableSandboxedEnvironment):
    """Jinja without its globals, and with limits to what operators and filters make."""

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
        """Wrap nothing: `is_safe_attribute` forbids a text's `format` altogether."""
        return

    @staticmethod
    def bounded(text: Any) -> Any:
        """Return the text that `~` made.

        :raises ValueError: the text is too long.
        """
        if len(text) > MAX_LENGTH:
            raise ValueError(f"the text is over {MAX_LENGTH} long")
        return text

    def call_binop(self, context: Context, operator: str, left: Any, right: Any) -> Any:
        """Compute `left * right`, `left ** right`, `left + right` or `left % right`.

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
