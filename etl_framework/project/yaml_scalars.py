"""Read single YAML values, and refuse those that versions of YAML read differently."""

from __future__ import annotations

import re
from datetime import date, datetime

import yaml

TAG = "tag:yaml.org,2002:"
ALLOWED = {
    TAG + name for name in ("str", "int", "float", "bool", "null", "timestamp", "seq", "map")
}
# Values that YAML 1.1 and 1.2 read differently: (pattern, what happens, what to write instead).
_WRITTEN = [
    (r"(?i)yes|no|on|off", "is a boolean in YAML 1.1 and a text in 1.2", '"{0}", true or false'),
    (r"[-+]?0\d+", "is octal in YAML 1.1 and decimal in 1.2", '"{0}", or {1} for the number'),
    (r"[-+]?0[bo][0-7]+", "is a number in one version of YAML only", '"{0}", or the number'),
    (r"[-+]?\d+(:[0-5]?\d)+(\.\d*)?", "is a number to the base 60 in YAML 1.1", '"{0}"'),
    (r"[-+]?\d[\d_]*_[\d_.]*", "is a number in YAML 1.1 and a text in 1.2", '"{0}", or {1}'),
]
_TRAPS = [(re.compile(pattern), what, instead) for pattern, what, instead in _WRITTEN]
_FIRST = re.compile(r"(?i)[-+.\dyno]")  # the first character of any trap
# What comes before a scalar's text: an anchor or a tag, then a quote or the header of a block.
_START = re.compile(r"(?:[&!]\S*\s+)*(?:[|>][^\n]*\n[ \n]*|[\"']|)")
_DIGITS = {"x": 2, "u": 4, "U": 8}
_EXPONENT = re.compile(r"[-+]?(\d+(\.\d*)?|\.\d+)[eE][-+]?\d+")


def trap(node: yaml.ScalarNode) -> tuple[str, str] | None:
    """The mistake in a plain text that versions of YAML read differently, and a hint; else None."""
    text = node.value
    if node.style or not _FIRST.match(text):
        return None
    if node.tag == TAG + "str" and _EXPONENT.fullmatch(text):
        what = f"'{_shown(text)}' is a text in YAML 1.1 and a number in 1.2"
        return what, f'write "{_shown(text)}", or the number in full'
    for pattern, what, instead in _TRAPS:
        if pattern.fullmatch(text):
            number = re.sub(r"^([-+]?)0+(?=\d)", r"\1", text.replace("_", ""))
            hint = instead.format(_shown(text), _shown(number))
            return f"'{_shown(text)}' {what}", f"write {hint}"
    return None


class Scalars:
    """Makes Python values from the scalars in one file."""

    def __init__(self) -> None:
        self._loader = yaml.SafeLoader("")

    def value(self, node: yaml.ScalarNode) -> str | int | float | bool | date | datetime | None:
        """The value of a scalar.

        :raises ValueError: the text is not valid for the type that it looks like, or is tagged as.
        """
        try:
            return self._loader.construct_object(node)  # type: ignore[no-any-return]
        except yaml.MarkedYAMLError as error:
            raise ValueError(f"'{_shown(node.value)}' cannot be read: {error.problem}") from error
        except (ValueError, KeyError, AttributeError, OverflowError) as error:
            kind = node.tag.removeprefix(TAG)
            raise ValueError(f"'{_shown(node.value)}' is not a valid {kind}") from error


def _shown(text: str) -> str:
    return text if len(text) <= 40 else text[:39] + "…"


def written_offset(written: str, text: str, offset: int) -> int:
    """The offset, in a scalar as written, of the character number `offset` of its text.

    Both are read side by side, and what is not part of the text (quotes, escapes, folds, the
    indentation of a block) is skipped. The `b` of `"a\\tb"`, for example, is at 2 in the text, but
    at 4 as written.

    :param written: the file from the scalar on.
    """
    at = _START.match(written).end()  # type: ignore[union-attr]
    quote = written[at - 1 : at] if at else ""
    for character in text[:offset]:
        at = _next(written, at, character, quote)
        at += 1
    wanted = text[offset : offset + 1]
    return _next(written, at, wanted, quote) if wanted else at


def _next(written: str, at: int, character: str, quote: str) -> int:
    """The offset of the next character of the text, at or after the offset `at`."""
    while at < len(written):
        here = written[at]
        if here == "\\" and quote == '"':
            at += 1
            escape = written[at : at + 1]
            if escape != "\n":
                return at + _DIGITS.get(escape, 0)
        if here == quote == "'" and written[at + 1 : at + 2] == "'":
            return at + 1
        if here == character or (here == "\n" and character == " "):
            return at
        if not here.isspace():
            return at
        at += 1
    return at
