"""The results of lint for one pipeline's files, as data that can be cached."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Fact
from etl_framework.lint.noqa import Noqa


@dataclass(frozen=True)
class Unit:
    """One pipeline: the problems in its files, and its facts for rules across pipelines.

    :param files: the paths of its file and its templates, with the digests of their contents; empty
        if the problems depend on further files.
    :param facts: by the name of the rule that needs them.
    """

    files: Mapping[str, str]
    problems: tuple[Diagnostic, ...]
    comments: tuple[Noqa, ...]
    facts: Mapping[str, tuple[Fact, ...]]

    def written(self) -> dict[str, Any]:
        """Return the unit as values of JSON."""
        return {
            "files": dict(self.files),
            "problems": [astuple(problem) for problem in self.problems],
            "comments": [astuple(comment) for comment in self.comments],
            "facts": {rule: [astuple(f) for f in facts] for rule, facts in self.facts.items()},
        }


def unit_of(written: Mapping[str, Any]) -> Unit:
    """Return the unit that `Unit.written` describes; raise any error if the values do not fit."""
    return Unit(
        written["files"],
        tuple(Diagnostic(*fields) for fields in written["problems"]),
        tuple(_noqa(*fields) for fields in written["comments"]),
        {
            rule: tuple(Fact(fields[0], tuple(fields[1]), *fields[2:]) for fields in facts)
            for rule, facts in written["facts"].items()
        },
    )


def _noqa(path: str, line: int, column: int, codes: list[str], reason: str) -> Noqa:
    return Noqa(path, line, column, tuple(codes), reason)
