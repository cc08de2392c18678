"""What lint knows of one pipeline's files, as data that can be kept."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import astuple, dataclass
from typing import Any

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import Fact
from etl_framework.lint.noqa import Noqa


@dataclass(frozen=True)
class Unit:
    """One pipeline: all that is wrong with its files, and what rules across pipelines need of it.

    :param files: its file and its templates, each with the digest of what it holds; empty when
        what was found depends on more than them.
    :param facts: by the name of the rule that they are for.
    """

    files: Mapping[str, str]
    problems: tuple[Diagnostic, ...]
    comments: tuple[Noqa, ...]
    facts: Mapping[str, tuple[Fact, ...]]

    def written(self) -> dict[str, Any]:
        """As JSON has it."""
        return {
            "files": dict(self.files),
            "problems": [astuple(each) for each in self.problems],
            "comments": [astuple(each) for each in self.comments],
            "facts": {rule: [astuple(f) for f in facts] for rule, facts in self.facts.items()},
        }


def unit_of(written: Mapping[str, Any]) -> Unit:
    """The other way; of what something else has written, whatever Python raises."""
    return Unit(
        written["files"],
        tuple(Diagnostic(*each) for each in written["problems"]),
        tuple(_noqa(*each) for each in written["comments"]),
        {
            rule: tuple(Fact(each[0], tuple(each[1]), *each[2:]) for each in facts)
            for rule, facts in written["facts"].items()
        },
    )


def _noqa(path: str, line: int, column: int, codes: list[str], reason: str) -> Noqa:
    return Noqa(path, line, column, tuple(codes), reason)
