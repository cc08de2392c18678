"""What a step did, as `result.json` stores it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

Status = Literal["pass", "warning", "quarantine", "fail"]


@dataclass(frozen=True)
class CheckResult:
    """The result of a check: `failing` rows out of `rows`.

    :param note: the measured values in words, for a check that does not count rows.
    :param examples: some of the failing rows, with sensitive values masked.
    """

    check: str
    relation: str
    status: Status
    failing: int
    rows: int
    note: str = ""
    examples: Sequence[dict[str, Any]] = ()

    @property
    def rate(self) -> float:
        """The share of failing rows; 0 if there are no rows."""
        return self.failing / self.rows if self.rows else 0.0


@dataclass(frozen=True)
class Outcome:
    """What a step did.

    :param counts: numbers of rows by name: `read`, `kept`, `rejected`, `rows`, `quarantined`.
    :param files: the Parquet files of the relation; in `result.json` relative to the run's folder.
    :param table: the relation's table, if the engine keeps relations in a database.
    :param sources: the files that a source was read from, with their versions.
    :param fingerprint: a hash that changes when the output could change.
    :param definition: a hash of all that the project's files say about the step.
    """

    counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    files: tuple[str, ...] = ()
    table: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    fingerprint: str = ""
    definition: str = ""

    @property
    def kept(self) -> int:
        """The number of rows that the step left for later steps."""
        return self.counts.get("kept", self.counts.get("rows", 0))


@dataclass(frozen=True)
class Finished:
    """A finished step.

    :param attempt: in S3, the attempt whose files are valid.
    :param sizes: in S3, the size of every file of the attempt.
    """

    outcome: Outcome
    attempt: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def written(self) -> str:
        """Return the text of `result.json`.

        :raises TypeError: the outcome contains a value that JSON cannot store.
        """
        facts = asdict(self.outcome)
        if self.attempt:
            facts |= {"attempt": self.attempt, "sizes": dict(self.sizes)}
        return json.dumps(facts, indent=1, default=str)

    @classmethod
    def read(cls, text: str | bytes | None) -> Finished | None:
        """Read the text of `result.json`; return None if it is incomplete or has another form."""
        try:
            facts = json.loads(text or "")
            outcome = Outcome(
                counts={str(name): int(count) for name, count in facts["counts"].items()},
                checks=tuple(CheckResult(**result) for result in facts["checks"]),
                files=tuple(map(str, facts["files"])),
                table=str(facts["table"]),
                sources=tuple((str(name), str(version)) for name, version in facts["sources"]),
                fingerprint=str(facts["fingerprint"]),
                definition=str(facts["definition"]),
            )
            sizes = {str(name): int(size) for name, size in facts.get("sizes", {}).items()}
            return cls(outcome, str(facts.get("attempt", "")), sizes)
        except (ValueError, KeyError, TypeError, AttributeError):
            return None
