"""Rejected rows of all runs: count them, look at them, decide about them."""

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
from etl_framework.storage.decisions import Decision, decide, decisions
from etl_framework.storage.rejected import COLUMNS, PARSE, counted, rejected
from etl_framework.storage.staging import RunFolder

OPEN, CORRECTED, DROPPED = "open", "corrected", "dropped"
Texts = Mapping[str, str | None]


@dataclass(frozen=True)
class Rejected:
    """One rejected row.

    :param row: as it came.
    :param key: the values of the primary key, where there is one.
    :param values: a text for each column of the relation; None for no value.
    :param state: what was decided of it: `open` when nothing was.
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
    """Which rejected rows are meant: those that fit everything given."""

    on: date | None = None
    rule: str | None = None
    ids: Collection[str] = ()
    states: Collection[str] = (OPEN, CORRECTED, DROPPED)


class Quarantine:
    """The rejected rows of one relation in one environment.

    :param name: a source, or another relation with a check that takes rows out; with its pipeline,
        as `music_streaming.streams`, where two have one of that name.
    :raises ConfigError: there is no such relation.
    """

    def __init__(self, project: Project, environment: str | None, name: str) -> None:
        self._relation = project.find(name)
        self.pipeline, self.relation = self._relation.pipeline, self._relation.name
        chosen = project.environment(environment)
        self.engine = engine_of(chosen)
        self._staging = chosen.open(project.root).staging
        self.columns = [column.name for column in self._relation.block.columns]
        self._hidden = {name for name in self.columns if name.lower() in self.pipeline.sensitive()}

    def runs(self) -> dict[DataInterval, RunFolder]:
        """Where each data interval lies that was ever run, the oldest first."""
        zone = ZoneInfo(self.pipeline.timezone)
        runs = self._staging.runs(self.pipeline.name)
        return {DataInterval.of_key(run.path.name, zone): run for run in runs}

    def counts(self) -> Iterator[tuple[DataInterval, str, dict[str, int]]]:
        """For each data interval and rule, how many rejected rows are in each state."""
        for interval, run in self.runs().items():
            decided = {id_: _state(each) for id_, each in decisions(run, self.relation).items()}
            found: dict[str, dict[str, int]] = {}
            for rule, id_, rows in counted(self._files(run), list(decided)):
                states = found.setdefault(rule, dict.fromkeys((OPEN, CORRECTED, DROPPED), 0))
                states[decided.get(id_, OPEN)] += rows
            for rule in sorted(found):
                yield interval, rule, found[rule]

    def rows(self, selection: Selection, *, reveal: bool = True) -> Iterator[Rejected]:
        """Rejected rows, the oldest data interval first, then by file and line.

        :param reveal: whether values of sensitive columns are shown.
        :raises ConfigError: there is no such rule.
        """
        self._refuse_unknown(selection.rule)
        for interval, run in self.runs().items():
            if selection.on not in (None, interval.start.date()):
                continue
            decided = decisions(run, self.relation)
            for row in rejected(self._files(run), rule=selection.rule, ids=selection.ids):
                found = _rejected(row, interval, _state(decided.get(row[0])))
                if found.state in selection.states:
                    yield found if reveal else self._masked(found)

    def decide(self, made: Mapping[DataInterval, Mapping[str, Decision]]) -> None:
        """Write decisions down, by data interval and id.

        :raises RetryableError: one of the intervals is being run.
        """
        runs = self.runs()
        for interval, each in made.items():
            with runs[interval].locked():
                decide(runs[interval], self.relation, each)

    def _refuse_unknown(self, rule: str | None) -> None:
        """A mistyped rule must not look as if nothing broke it."""
        known = {PARSE, *(check.label for check in self._relation.checks)}
        if rule is None or rule in known or rule in {each for _, each, _ in self.counts()}:
            return
        hint = did_you_mean(rule, known) or "`etl quarantine list` names the rules"
        raise ConfigError(f"'{self.relation}' has no rule '{rule}'", hint=hint)

    def _files(self, run: RunFolder) -> list[str]:
        steps = [run.step(f"{kind}.{self.relation}") for kind in ("extract", "check")]
        return [file for step in steps for file in step.bring("rejected")]

    def _masked(self, found: Rejected) -> Rejected:
        """The row without values of sensitive columns, in whatever it says."""
        if not self._hidden:
            return found
        reason = found.reason
        if found.name in self._hidden:
            reason = re.sub(r'^".*" ', f'"{MASK}" ', reason, flags=re.DOTALL)
        values, key = self._without(found.values), found.key and self._without(found.key)
        return replace(found, reason=reason, row=MASK, values=values, key=key)

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
    """Every relation that rows may be taken out of, with its pipeline."""
    return [relation.full_name for relation in project.relations()]
