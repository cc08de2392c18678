"""The differences that are known, with the reason of each: the tables of `differences.md`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from rows import Verdict

ROWS = "rows"
HEADS = ("reason", "query", "---")


@dataclass(frozen=True)
class Reason:
    """Why a result differs, or what is not known of it (`wrong`); both empty if it is equal."""

    text: str = ""
    wrong: str = ""


@dataclass(frozen=True)
class Differences:
    """The reasons that there are, and which of them each column of a query has.

    :param shown: how values differ for a reason: `cut`, `whole`, or `rows`.
    :param listed: the reason for each query and column.
    """

    shown: dict[str, str]
    listed: dict[tuple[str, str], str]

    @classmethod
    def read(cls, path: Path) -> Differences:
        """Read both tables of a Markdown file.

        `reason | shown | ...` names the reasons, `query | what | reason` has the differences.
        """
        shown: dict[str, str] = {}
        listed: dict[tuple[str, str], str] = {}
        for line in path.read_text(encoding="utf-8").splitlines():
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not line.startswith("|") or cells[0] in HEADS:
                continue
            if cells[0].startswith("tpc"):
                listed |= {(cells[0], what.strip()): cells[2] for what in cells[1].split(",")}
            else:
                shown[cells[0]] = cells[1]
        return cls(shown, listed)

    def reasons(self, query: str) -> set[str]:
        """The reasons that are listed for a query."""
        return {reason for (of, _), reason in self.listed.items() if of == query}

    def why(self, query: str, verdict: Verdict, *, restated: bool) -> Reason:
        """Explain the verdict on a query.

        :param restated: Redshift's meaning is written out in the reference.
        """
        if verdict.wrong:
            return Reason(wrong=verdict.wrong)
        differing = {**verdict.columns, **({ROWS: ROWS} if restated else {})}
        reasons = {what: self.listed.get((query, what), "") for what in differing}
        for what, reason in reasons.items():
            if self.shown.get(reason) != differing[what]:
                return Reason(wrong=f"differences.md does not list {what} ({differing[what]})")
        for (of, what), reason in self.listed.items():
            if of == query and what != ROWS and verdict.exact.get(what) != self.shown[reason]:
                return Reason(wrong=f"differences.md lists {what} ({reason}), which is a double")
        return Reason(", ".join(sorted(set(reasons.values()))))
