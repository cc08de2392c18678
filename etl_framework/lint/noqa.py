"""Comments that answer a finding on their line: `# noqa: W402 because ties cannot happen`."""

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
    """A comment that answers a finding on its line."""

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
    """Return the problems that no comment answers, and the problems of the comments themselves.

    :param comments: the comments of the files that were linted.
    :param known: every code that exists.
    :param wants: whether lint looks for a code. If not, its comments cannot be called unused.
    """
    comments = dict.fromkeys(comments)
    answers = {(comment.path, comment.line, code) for comment in comments for code in comment.codes}
    left, used = [], set()
    for problem in problems:
        key = (problem.path, problem.line, problem.code)
        if key in answers:
            used.add(key)
        else:
            left.append(problem)
    if any(problem.severity == "error" for problem in left):
        # After an error some rules do not run, and a comment may answer their findings.
        used |= {
            (comment.path, comment.line, code) for comment in comments for code in comment.codes
        }
    for comment in comments:
        left += [
            diagnostic
            for diagnostic in _problems(comment, known, wants, used)
            if wants(diagnostic.code)
        ]
    return left


def comments_of(path: str, content: bytes) -> Iterator[Noqa]:
    """Return the noqa comments in a file's content."""
    if b"noqa" not in content.lower():
        return
    text = content.decode("utf-8-sig", errors="replace")
    for number, line in enumerate(re.split(r"\r\n|\r|\n", text), 1):
        if (match := _COMMENT.search(line)) and (written := _WRITTEN.match(match[1])):
            codes = tuple(code.upper() for code in re.split(r"\s*,\s*", written["codes"] or ""))
            reason = (written["reason"] or "").strip()
            yield Noqa(path, number, match.start(1) + 1, codes if codes != ("",) else (), reason)


def _problems(
    comment: Noqa,
    known: Iterable[str],
    wants: Callable[[str], bool],
    used: set[tuple[str, int, str]],
) -> Iterator[Diagnostic]:
    def problem(code: str, message: str, hint: str) -> Diagnostic:
        return Diagnostic(
            comment.path, comment.line, comment.column, code, message, hint, "warning"
        )

    codes = set(known)
    if not comment.codes or not comment.reason:
        hint = "write for example: noqa: W402 because ties cannot happen"
        yield problem("W602", "a noqa names its codes and says why", hint)
    for code in comment.codes:
        if code not in codes:
            yield problem("W601", f"there is no rule '{code}'", did_you_mean(code, codes))
        elif wants(code) and (comment.path, comment.line, code) not in used:
            yield problem("W601", f"nothing here is {code} any more", "take the noqa out")
