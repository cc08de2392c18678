"""What a step did, as `result.json` stores it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from etl_framework.storage.proof import Proof
from etl_framework.storage.seal import sealed, unsealed

Status = Literal["pass", "warning", "quarantine", "fail"]


@dataclass(frozen=True)
class CheckResult:
    """The result of a check: `failing` rows out of `rows`.

    :param note: the measured values in words, for a check that does not count rows.
    :param examples: some of the failing rows, with sensitive values masked.
    :param measure: the number that later runs of a check are compared with.
    :param on: what was checked, the run's rows or the whole table.
    """

    check: str
    relation: str
    status: Status
    failing: int
    rows: int
    note: str = ""
    examples: Sequence[dict[str, Any]] = ()
    measure: float | None = None
    on: Literal["rows", "target"] = "rows"

    def facts(self) -> dict[str, Any]:
        """The result as the ledger stores it: with its rate, without example rows."""
        facts = {**asdict(self), "rate": round(self.rate, 6)}
        left_out = {"examples", *(["measure"] if self.measure is None else [])}
        left_out |= {"on"} if self.on == "rows" else set()
        return {name: value for name, value in facts.items() if name not in left_out}

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
    :param since: from when on changes were read, as `Extracted` says; `arrived` likewise.
    :param unread: how many rows could not be read, by the column at fault; '' if of none.
    :param fingerprint: a hash that changes when the output could change.
    :param definition: a hash of all that the project's files say about the step.
    """

    counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    files: tuple[str, ...] = ()
    table: str = ""
    sources: tuple[tuple[str, str], ...] = ()
    since: str = ""
    arrived: str = ""
    unread: dict[str, int] = field(default_factory=dict)
    fingerprint: str = ""
    definition: str = ""

    @property
    def kept(self) -> int:
        """The number of rows that the step left for later steps."""
        return self.counts.get("kept", self.counts.get("rows", 0))


@dataclass(frozen=True)
class Finished:
    """A finished step.

    :param attempt: identifies the attempt that finished the step; no two attempts share one.
    :param proofs: what proves every file of the attempt, by its path in the step's folder.
    """

    outcome: Outcome
    attempt: str = ""
    proofs: Mapping[str, Proof] = field(default_factory=dict)

    def written(self) -> bytes:
        """Return the content of `result.json`.

        :raises TypeError: the outcome contains a value that JSON cannot store.
        """
        return sealed(asdict(self), indent=1)

    @classmethod
    def read(cls, data: bytes | None) -> Finished | None:
        """Read the content of `result.json`; return None if it is not as it was written."""
        try:
            content = unsealed(data or b"")
            facts = content["outcome"]
            outcome = Outcome(
                counts={str(name): int(count) for name, count in facts["counts"].items()},
                checks=tuple(CheckResult(**result) for result in facts["checks"]),
                files=tuple(map(str, facts["files"])),
                table=str(facts["table"]),
                sources=tuple((str(name), str(version)) for name, version in facts["sources"]),
                since=str(facts["since"]),
                arrived=str(facts.get("arrived", "")),  # earlier versions did not store it
                unread={str(name): int(rows) for name, rows in facts.get("unread", {}).items()},
                fingerprint=str(facts["fingerprint"]),
                definition=str(facts["definition"]),
            )
            proofs = {str(name): Proof(**proof) for name, proof in content["proofs"].items()}
            return cls(outcome, str(content["attempt"]), proofs)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            return None
