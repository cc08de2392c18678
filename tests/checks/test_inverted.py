"""The cases of each check are red when its predicate is turned into its opposite."""

from __future__ import annotations

from typing import Any

import pytest

from etl_framework.checks.base import Check, Context, MeasureCheck, RowCheck, TableCheck
from tests.checks.conftest import Checked, only
from tests.checks.test_each_check import CASES
from tests.checks.test_measures import MEASURES

pytestmark = [
    pytest.mark.slow,
    pytest.mark.parametrize("engine", ["duckdb"], indirect=True),
]


def kind_of(type_: str) -> type[Check]:
    """The class that a type of check names."""

    def below(kind: type[Check]) -> list[type[Check]]:
        return [each for sub in kind.__subclasses__() for each in (sub, *below(sub))]

    wanted = f"Literal['{type_}']"
    (found,) = [
        kind
        for kind in below(Check)
        if wanted in str(getattr(kind.model_fields.get("type"), "annotation", ""))
    ]
    return found


def invert(kind: type[Check], monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the check find right what is wrong, and wrong what is right."""
    if issubclass(kind, RowCheck):
        violation = kind.violation
        monkeypatch.setattr(kind, "violation", lambda self: f"NOT ({violation(self)})")
    elif issubclass(kind, TableCheck):
        groups = kind.groups
        monkeypatch.setattr(
            kind,
            "groups",
            lambda self, relation: (
                "SELECT * REPLACE (CASE WHEN failing > 0 THEN 0 ELSE 1 END AS failing) "
                f"FROM ({groups(self, relation)})"
            ),
        )
    elif issubclass(kind, MeasureCheck):
        verdict = kind.verdict

        def other(self: Any, values: tuple[Any, ...], context: Context) -> tuple[bool, str]:
            kept, note = verdict(self, values, context)
            return not kept, note

        monkeypatch.setattr(kind, "verdict", other)


@pytest.mark.parametrize("type_", sorted(CASES))
def test_a_check_that_counts_rows(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, type_: str
) -> None:
    def red() -> list[bool]:
        return [
            only(checked([{"type": type_, **options, "severity": "warning"}], rows)).failing
            != failing
            for options, rows, failing, _ in CASES[type_]
        ]

    assert not any(red())

    invert(kind_of(type_), monkeypatch)

    assert any(red())


@pytest.mark.parametrize("type_", sorted(MEASURES))
@pytest.mark.parametrize("case", [0, 1])
def test_a_check_that_measures(
    checked: Checked, monkeypatch: pytest.MonkeyPatch, type_: str, case: int
) -> None:
    options, rows, kept, _ = MEASURES[type_][case]
    check = {"type": type_, **options, "severity": "warning"}
    assert (only(checked([check], rows)).status == "pass") == kept

    invert(kind_of(type_), monkeypatch)

    assert (only(checked([check], rows)).status == "pass") != kept
