"""Make a wrong file of a right one, by chance: always the same for the same dice."""

from __future__ import annotations

import random
from collections.abc import Callable

WORDS = (
    "null", "~", "true", "yes", "0x1f", "1e400", "-0", "0o7", "9" * 400, "2024-02-30", "1:30",
    "<<", "*a", "&a", "!!python/object:os.system", "!!binary x", "{{", "}}", "{%", "%}", "{#",
    "[", "]", "{", "}", "'", '"', "`", "\\", ";", "--", "/*", "*/", ":", "- ", "? ", "|", ">",
    "#", "\t", "\0", "\r", "\u2028", "\ufeff", "\U0001f600", "SELECT", "FROM", "WITH", "(", ")",
    "UNION ALL", "*", "/0", "{{ params.__class__ }}", "{{ ''.__class__.__mro__ }}",
    "{% include 'x.sql' %}", "{{ range(9) }}", "{% for i in range(999999999) %}x{% endfor %}",
    "{{ 'x' * 999999999 }}", "{{ 9 ** 9 ** 9 }}",
    "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}", "{{ ident('x') }}", "{{ cycler }}",
    "../", "/", "read_csv('/etc/passwd')", "COPY x TO '/tmp/x'", "INTO t", "{{ env.PASSWORD }}",
    "$$", "::", "@", "INSTALL httpfs", "getenv('HOME')", "$(id)", "%s", "\udcff", "(" * 60,
    "[" * 60, "{a: " * 60, '"\\0"', "x" * 300,
)  # fmt: skip


def mutated(text: str, dice: random.Random, others: list[str]) -> str:
    """A text with one to four changes.

    :param others: texts of which pieces may come into it.
    """
    for _ in range(dice.randint(1, 4)):
        text = dice.choice(_WAYS)(text, dice, others)
    return text


def _place(text: str, dice: random.Random) -> tuple[int, int]:
    start = dice.randint(0, len(text))
    return start, min(len(text), start + dice.choice((1, 1, 2, 5, 30)))


def _insert(text: str, dice: random.Random, others: list[str]) -> str:
    start, _ = _place(text, dice)
    return text[:start] + dice.choice(WORDS) + text[start:]


def _replace(text: str, dice: random.Random, others: list[str]) -> str:
    start, end = _place(text, dice)
    return text[:start] + dice.choice(WORDS) + text[end:]


def _delete(text: str, dice: random.Random, others: list[str]) -> str:
    start, end = _place(text, dice)
    return text[:start] + text[end:]


def _repeat(text: str, dice: random.Random, others: list[str]) -> str:
    start, end = _place(text, dice)
    return text[:start] + text[start:end] * dice.choice((2, 3, 50)) + text[end:]


def _character(text: str, dice: random.Random, others: list[str]) -> str:
    start, _ = _place(text, dice)
    return (
        text[:start]
        + chr(dice.choice((dice.randint(0, 127), dice.randint(0, 0xFFFF))))
        + text[start + 1 :]
    )


def _lines(text: str, dice: random.Random, others: list[str]) -> str:
    lines = text.split("\n")
    one, two = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[two] = lines[two], lines[one]
    if dice.random() < 0.5:
        lines.insert(one, lines[two])
    return "\n".join(lines)


def _indent(text: str, dice: random.Random, others: list[str]) -> str:
    lines = text.split("\n")
    one = dice.randrange(len(lines))
    lines[one] = lines[one].strip() if dice.random() < 0.5 else "  " + lines[one]
    return "\n".join(lines)


def _splice(text: str, dice: random.Random, others: list[str]) -> str:
    other = dice.choice(others)
    start, _ = _place(text, dice)
    from_, to = sorted((_place(other, dice)[0], _place(other, dice)[0]))
    return text[:start] + other[from_:to] + text[start:]


def _words(text: str, dice: random.Random, others: list[str]) -> str:
    words = text.split(" ")
    one, two = dice.randrange(len(words)), dice.randrange(len(words))
    words[one] = words[two]
    return " ".join(words)


_WAYS: list[Callable[[str, random.Random, list[str]], str]] = [
    _insert, _insert, _replace, _replace, _delete, _repeat, _character, _lines, _indent, _splice,
    _words,
]  # fmt: skip
