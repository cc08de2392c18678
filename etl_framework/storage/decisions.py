"""Decisions about rejected rows: corrected values, or that a row is dropped."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace

from etl_framework.storage.staging import RunFolder

Values = Mapping[str, str | None]


@dataclass(frozen=True)
class Decision:
    """A decision about one rejected row; it applies as long as the row is rejected.

    :param rule: the rule that the row broke.
    :param values: the corrected row, a text for every column; None if the row is dropped.
    """

    rule: str
    values: Values | None = None


def decisions(run: RunFolder, relation: str) -> dict[str, Decision]:
    """Return the decisions about rejected rows of a relation in one run, by row id.

    :raises BrokenStateError: the file with them is not as it was written.
    """
    try:
        facts_by_id = run.read(_name(relation)) or {}
        return {id_: Decision(**facts) for id_, facts in facts_by_id.items()}
    except (AttributeError, TypeError) as error:
        raise run.spoiled(_name(relation)) from error


def corrections(run: RunFolder, relation: str) -> dict[str, Decision]:
    """Return the decisions that correct a row, by row id."""
    decided = decisions(run, relation)
    return {id_: decision for id_, decision in decided.items() if decision.values is not None}


def decide(run: RunFolder, relation: str, made: Mapping[str, Decision]) -> None:
    """Add decisions, atomically.

    A new decision about a row replaces the earlier one, but keeps its rule: a row may need a
    correction to be parsed, and then another one because it breaks a check.
    """
    earlier = decisions(run, relation)
    rules = {id_: decision.rule for id_, decision in earlier.items() if decision.values}
    new = {
        id_: replace(decision, rule=rules.get(id_, decision.rule)) for id_, decision in made.items()
    }
    merged = earlier | new
    facts = {id_: asdict(decision) for id_, decision in sorted(merged.items())}
    run.write(_name(relation), facts)


def withdraw(run: RunFolder, relation: str, ids: Collection[str]) -> None:
    """Take decisions back, atomically, as if they had never been made."""
    facts = {i: asdict(made) for i, made in decisions(run, relation).items() if i not in ids}
    run.write(_name(relation), facts)


def _name(relation: str) -> str:
    return f"decisions/{relation}.json"
