"""Count and read the rejected rows of all runs, and store decisions about them."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from zoneinfo import ZoneInfo

from etl_framework.columns import MASK
from etl_framework.engines.base import engine_of
from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.interval import DataInterval
from etl_framework.project.project import Project
from etl_framework.storage.decisions import Decision, corrections, decide, decisions
from etl_framework.storage.rejected import COLUMNS, PARSE, counted, rejected
from etl_framework.storage.staging import RunFolder

OPEN, CORRECTED, DROPPED = "open", "corrected", "dropped"
Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class Rejected:
    """One rejected row.

    :param row: the row as the source gave it.
    :param key: the values of the primary key, if there is one.
    :param values: a text for every column of the relation; None for no value.
    :param state: what was decided about the row: `corrected`, `dropped`, or `open` if nothing.
    """

    id: str
    run: str
    source: str
    rule: str
    reason: str
    file: str | None
    line: int | None
    column: int | None
    name: str | None
    key: Texts | None
    row: str
    values: Texts
    interval: DataInterval = field(repr=False)
    state: str = OPEN


@dataclass(frozen=True)
class Selection:
    """Selects the rejected rows that meet all the conditions given.

    :param on: the day on which the data interval starts.
    """

    on: date | None = None
    rule: str | None = None
    ids: Collection[str] = ()
    states: Collection[str] = (OPEN, CORRECTED, DROPPED)


class Quarantine:
    """The rejected rows of one relation in one environment.

    :param name: a source, or another relation with a check that takes rows out. If several
        pipelines have a relation of this name, it needs the pipeline: `music_streaming.streams`.
    :raises ConfigError: there is no such relation.
    """

    def __init__(self, project: Project, environment: str | None, name: str) -> None:
        self._relation = project.find(name)
        self.pipeline, self.relation = self._relation.pipeline, self._relation.name
        chosen = project.environment(environment)
        self.engine = engine_of(chosen)
        self._staging = project.workspace(environment).staging
        self.columns = [column.name for column in self._relation.block.staged]
        self._hidden = {name for name in self.columns if name.lower() in self.pipeline.sensitive()}

    def runs(self) -> dict[DataInterval, RunFolder]:
        """Return the folder of every data interval that was ever run, the oldest first."""
        zone = ZoneInfo(self.pipeline.timezone)
        runs = self._staging.runs(self.pipeline.name)
        return {DataInterval.of_key(run.path.name, zone): run for run in runs}

    def counts(self) -> Iterator[tuple[DataInterval, str, dict[str, int]]]:
        """Yield for every data interval and rule how many rejected rows are in each state."""
        for interval, run in self.runs().items():
            for rule, states in sorted(self.states(run).items()):
                yield interval, rule, states

    def states(self, run: RunFolder) -> dict[str, dict[str, int]]:
        """Return for every rule how many rejected rows of a data interval are in each state."""
        decided = {id_: _state(decision) for id_, decision in decisions(run, self.relation).items()}
        by_rule: dict[str, dict[str, int]] = {}
        for rule, id_, rows in counted(self._files(run), list(decided)):
            states = by_rule.setdefault(rule, dict.fromkeys((OPEN, CORRECTED, DROPPED), 0))
            states[decided.get(id_, OPEN)] += rows
        return by_rule

    def rows(self, selection: Selection, *, reveal: bool = True) -> Iterator[Rejected]:
        """Yield the selected rows, the oldest data interval first, then by file and line.

        :param reveal: whether values of sensitive columns are shown.
        :raises ConfigError: there is no such rule.
        """
        self._refuse_unknown(selection.rule)
        for interval, run in self.runs().items():
            if selection.on not in (None, interval.start.date()):
                continue
            decided = decisions(run, self.relation)
            for row in rejected(self._files(run), rule=selection.rule, ids=selection.ids):
                rejected_row = _rejected(row, interval, _state(decided.get(row[0])))
                if rejected_row.state in selection.states:
                    yield rejected_row if reveal else self._masked(rejected_row)

    def decide(self, made: Mapping[DataInterval, Mapping[str, Decision]]) -> None:
        """Store decisions.

        :param made: the decisions, by data interval and row id.
        :raises RetryableError: one of the intervals is being run.
        """
        runs = self.runs()
        for interval, by_id in made.items():
            with runs[interval].locked():
                decide(runs[interval], self.relation, by_id)

    def corrected(self, ids: Collection[str]) -> dict[str, dict[DataInterval, Decision]]:
        """Return the decisions that correct rows, by id and data interval.

        :param ids: the ids of the rows; a row that was corrected may not be rejected any more.
        """
        by_id: dict[str, dict[DataInterval, Decision]] = {}
        for interval, run in self.runs().items():
            for id_, decision in corrections(run, self.relation).items():
                if id_ in ids:
                    by_id.setdefault(id_, {})[interval] = decision
        return by_id

    def _refuse_unknown(self, rule: str | None) -> None:
        """Raise an error if there is no such rule: a typing error must not look like zero rows.

        :raises ConfigError: there is no such rule.
        """
        known = {PARSE, *(check.label for check in self._relation.checks)}
        if rule is None or rule in known or rule in {label for _, label, _ in self.counts()}:
            return
        hint = did_you_mean(rule, known) or "`etl quarantine list` names the rules"
        raise ConfigError(f"'{self.relation}' has no rule '{rule}'", hint=hint)

    def _files(self, run: RunFolder) -> list[str]:
        """Return the files of a run with rejected rows of the relation."""
        steps = [run.step(f"{kind}.{self.relation}") for kind in ("extract", "check")]
        return [file for step in steps for file in step.bring("rejected")]

    def _masked(self, row: Rejected) -> Rejected:
        """Return a row with the values of sensitive columns masked, also in texts about the row."""
        if not self._hidden:
            return row
        reason = row.reason
        if row.name in self._hidden:
            reason = re.sub(r'^".*" ', f'"{MASK}" ', reason, flags=re.DOTALL)
        values, key = self._without(row.values), row.key and self._without(row.key)
        return replace(row, reason=reason, row=MASK, values=values, key=key)

    def _without(self, texts: Texts) -> Texts:
        return {
            name: MASK if text is not None and name in self._hidden else text
            for name, text in texts.items()
            if name in self.columns
        }


def _state(decision: Decision | None) -> str:
    if decision is None:
        return OPEN
    return DROPPED if decision.values is None else CORRECTED


def _rejected(row: tuple[object, ...], interval: DataInterval, state: str) -> Rejected:
    facts = dict(zip(COLUMNS, row, strict=True))
    texts = {name: json.loads(str(facts[name] or "null")) for name in ("key", "values")}
    return Rejected(**{**facts, **texts}, interval=interval, state=state)


def with_rejects(project: Project) -> list[str]:
    """Return the full names of all relations, as each may have rejected rows."""
    return [relation.full_name for relation in project.relations()]
