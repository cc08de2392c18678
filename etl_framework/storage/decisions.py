"""What was decided of rejected rows: corrected values, or that a row is not wanted."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace

from etl_framework.storage.staging import RunFolder

Values = Mapping[str, str | None]


@dataclass(frozen=True)
class Decision:
    """A decision about one rejected row; it holds while the row is rejected.

    :param rule: the rule that the row broke.
    :param values: the corrected row, a text for each column; None when it is dropped.
    """

    rule: str
    values: Values | None = None


def decisions(run: RunFolder, relation: str) -> dict[str, Decision]:
    """The decisions about rejected rows of a relation in one run, by the rows' ids."""
    found = json.loads(run.read(_name(relation)) or "{}")
    return {id_: Decision(**facts) for id_, facts in found.items()}


def corrections(run: RunFolder, relation: str) -> dict[str, Decision]:
    """Those that correct a row."""
    found = decisions(run, relation)
    return {id_: decision for id_, decision in found.items() if decision.values is not None}


def decide(run: RunFolder, relation: str, made: Mapping[str, Decision]) -> None:
    """Add decisions. Atomic.

    One about the same row replaces the earlier, but keeps its rule: a row corrected so that it
    parses may break a check then, and needs the correction to parse again.
    """
    earlier = decisions(run, relation)
    rules = {id_: decision.rule for id_, decision in earlier.items() if decision.values}
    new = {id_: replace(each, rule=rules.get(id_, each.rule)) for id_, each in made.items()}
    merged = earlier | new
    facts = {id_: asdict(decision) for id_, decision in sorted(merged.items())}
    run.write(_name(relation), json.dumps(facts, ensure_ascii=False, indent=1))


def _name(relation: str) -> str:
    return f"decisions/{relation}.json"
