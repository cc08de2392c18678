"""What a step did, as its `result.json` keeps it."""

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
    :param files: the Parquet files of the relation; below the run's folder, once it is recorded.
    :param table: the relation's table instead, where the engine keeps it in a database.
    :param sources: the files that a source was read from, with their versions.
    :param fingerprint: changes whenever the output could.
    :param definition: changes whenever what is written about the step does.
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
        """The rows that the step left for those that come after it."""
        return self.counts.get("kept", self.counts.get("rows", 0))


@dataclass(frozen=True)
class Finished:
    """A finished step: its outcome, and in S3 the attempt that counts, with its files' sizes."""

    outcome: Outcome
    attempt: str = ""
    sizes: Mapping[str, int] = field(default_factory=dict)

    def written(self) -> str:
        """The text of `result.json`.

        :raises TypeError: the outcome holds something that JSON cannot.
        """
        facts = asdict(self.outcome)
        if self.attempt:
            facts |= {"attempt": self.attempt, "sizes": dict(self.sizes)}
        return json.dumps(facts, indent=1, default=str)

    @classmethod
    def read(cls, text: str | bytes | None) -> Finished | None:
        """The other way; None for a text that is cut off, or that something else has written."""
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
