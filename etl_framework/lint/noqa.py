"""Findings that somebody has answered: `# noqa: W402 because ties cannot happen`, on their line."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from etl_framework.errors import Diagnostic, did_you_mean

_COMMENT = re.compile(r"(?:(?<=\s)|^)(?:#|--|/\*|\{#)\s*(noqa\b.*)", re.IGNORECASE)
_WRITTEN = re.compile(
    r"noqa(?::\s*(?P<codes>[A-Za-z]+[0-9]+(?:\s*,\s*[A-Za-z]+[0-9]+)*)"
    r"(?:\s+because\s+(?P<reason>\S.*))?)?",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Noqa:
    """A comment that answers a finding of its line."""

    path: str
    line: int
    column: int
    codes: tuple[str, ...]
    reason: str


def without_answered(
    comments: Iterable[Noqa],
    problems: Iterable[Diagnostic],
    known: Iterable[str],
    wants: Callable[[str], bool],
) -> list[Diagnostic]:
    """The problems that no comment answers, and what is wrong with comments.

    :param comments: of the files that were linted; each once.
    :param known: every code that there is.
    :param wants: whether a code is looked for at all; if not, nothing tells whether it is unused.
    """
    comments = dict.fromkeys(comments)
    answers = {(each.path, each.line, code) for each in comments for code in each.codes}
    left, used = [], set()
    for problem in problems:
        key = (problem.path, problem.line, problem.code)
        if key in answers:
            used.add(key)
        else:
            left.append(problem)
    if any(problem.severity == "error" for problem in left):
        # Behind an error something is not looked at, and may be what a comment answers.
        used |= {(each.path, each.line, code) for each in comments for code in each.codes}
    for each in comments:
        left += [found for found in _problems(each, known, wants, used) if wants(found.code)]
    return left


def comments_of(path: str, content: bytes) -> Iterator[Noqa]:
    """The comments in a file's content."""
    if b"noqa" not in content.lower():
        return
    text = content.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if (found := _COMMENT.search(line)) and (written := _WRITTEN.match(found[1])):
            codes = tuple(code.upper() for code in re.split(r"\s*,\s*", written["codes"] or ""))
            reason = (written["reason"] or "").strip()
            yield Noqa(path, number, found.start(1) + 1, codes if codes != ("",) else (), reason)


def _problems(
    each: Noqa,
    known: Iterable[str],
    wants: Callable[[str], bool],
    used: set[tuple[str, int, str]],
) -> Iterator[Diagnostic]:
    def problem(code: str, message: str, hint: str) -> Diagnostic:
        return Diagnostic(each.path, each.line, each.column, code, message, hint, "warning")

    codes = set(known)
    if not each.codes or not each.reason:
        hint = "write for example: noqa: W402 because ties cannot happen"
        yield problem("W602", "a noqa names its codes and says why", hint)
    for code in each.codes:
        if code not in codes:
            yield problem("W601", f"there is no rule '{code}'", did_you_mean(code, codes))
        elif wants(code) and (each.path, each.line, code) not in used:
            yield problem("W601", f"nothing here is {code} any more", "take the noqa out")
