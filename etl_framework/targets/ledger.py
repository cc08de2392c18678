"""The ledger: what was published, for which data interval, with what counts.

It is the table `etl_ledger` in the database of the targets. A row is written in the transaction
that changes the targets. Each pipeline has one row per data interval.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from etl_framework.columns import columns_of
from etl_framework.errors import BrokenStateError
from etl_framework.interval import DataInterval
from etl_framework.sql.quote import names, quote

# SQL with `?` for values, and the values.
Statement = tuple[str, tuple[Any, ...]]
TABLE = "etl_ledger"
OF_INTERVAL = "pipeline = ? AND interval_start = ? AND interval_end = ?"
WHAT = "What was published, for which data interval, with what counts."
COLUMNS = columns_of(
    {
        "pipeline": "varchar(63)",
        "interval_start": "timestamptz",
        "interval_end": "timestamptz",
        "run_id": "varchar(64)",
        "environment": "varchar(63)",
        "published_at": "timestamptz",
        "sources": "varchar",
        "checks": "varchar",
        "targets": "varchar",
    }
)


def naming(table: str, **facts: Any) -> Statement:
    """The condition that a row of the ledger names a target, with further facts about it."""
    named = json.dumps({"table": table, **facts})[1:].removesuffix("" if facts else "}")
    return "POSITION(? IN targets) > 0", (named,)


def unpacked(text: str | None) -> list[dict[str, Any]]:
    """Return the list that a row of the ledger holds as JSON, in one of its last three columns.

    :raises BrokenStateError: somebody has changed the row, and the text is no such list.
    """
    try:
        rows = json.loads(text or "[]")
        if isinstance(rows, list) and all(isinstance(row, dict) for row in rows):
            return rows
    except (ValueError, RecursionError):
        pass
    raise BrokenStateError(
        f"a row of {TABLE} was changed by hand: it holds {str(text)[:60]!r} in place of a list",
        hint="put the text back, or run the row's data interval again, which writes the row anew",
    )


@dataclass(frozen=True)
class LedgerEntry:
    """One row of the ledger; the last three fields are stored as JSON lists.

    :param targets: table and strategy of each target; how many rows it got, its database says.
    :param files: the files that were read, by their source, with their versions: of sources that
        read each file once.
    :param before: the targets that an earlier run of the interval filled and this one leaves alone.
    """

    pipeline: str
    interval: DataInterval
    run_id: str
    environment: str
    published_at: datetime
    sources: tuple[dict[str, Any], ...]
    checks: tuple[dict[str, Any], ...]
    targets: tuple[dict[str, Any], ...]
    before: tuple[dict[str, Any], ...] = ()
    files: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()

    def beside(self, sources: str, checks: str, targets: str) -> LedgerEntry:
        """The same entry with what an earlier run of the interval wrote of other relations.

        :param sources: as the ledger stores them, like `checks` and `targets`.
        """
        known = {fact.get("relation") for fact in self.checks}
        return replace(
            self,
            sources=(*self.sources, *_others(sources, self.sources, "source")),
            checks=(*self.checks, *(c for c in unpacked(checks) if c.get("relation") not in known)),
            before=tuple(_others(targets, self.targets, "table")),
        )

    @property
    def of_interval(self) -> tuple[Any, ...]:
        """The values of OF_INTERVAL for this row."""
        return self.pipeline, self.interval.start, self.interval.end

    def statements(self, rows: Sequence[Statement]) -> list[Statement]:
        """Return the statements that write the row, and take away those of its interval.

        These are an earlier row of the interval, and rows of shorter intervals within it.

        :param rows: for each of `targets` a query for the number of its rows, which the row of the
            ledger gets as `rows`.
        """
        table, columns = quote(TABLE), [column.name for column in COLUMNS]
        listed, texts = _with_rows(self.targets, self.before)
        values = (
            self.pipeline,
            self.interval.start,
            self.interval.end,
            self.run_id,
            self.environment,
            self.published_at,
            json.dumps(self.sources),
            json.dumps(self.checks),
            *texts,
            *(value for _, given in rows for value in given),
        )
        places = ", ".join(["?"] * (len(columns) - 1) + [listed])
        counts = ", ".join(
            f"({query}) AS rows_{number} (counted)" for number, (query, _) in enumerate(rows)
        )
        insert = f"INSERT INTO {table} ({names(columns)}) SELECT {places} FROM {counts}"
        within = "pipeline = ? AND interval_start >= ? AND interval_end <= ?"
        return [(f"DELETE FROM {table} WHERE {within}", self.of_interval), (insert, values)]


def _others(text: str, ours: Sequence[dict[str, Any]], key: str) -> list[dict[str, Any]]:
    known = {fact[key] for fact in ours}
    return [fact for fact in unpacked(text) if fact.get(key) not in known]


def _with_rows(
    targets: Sequence[dict[str, Any]], before: Sequence[dict[str, Any]]
) -> tuple[str, list[str]]:
    """An expression for the JSON list of targets, each with its number of rows, and its texts.

    What else is told of a target stands behind its rows.

    For example `? || CAST(rows_0.counted AS VARCHAR) || ?` with `[{"table": "plays", "rows": `
    and `}]`.
    """
    numbers = [f"CAST(rows_{number}.counted AS VARCHAR)" for number in range(len(targets))]
    first = [{name: target[name] for name in ("table", "strategy")} for target in targets]
    texts = [f'{json.dumps(facts)[:-1]}, "rows": ' for facts in first]
    ends = [_rest(target) for target in targets]
    between = [(f"{ends[n - 1]}, " if n else "[") + text for n, text in enumerate(texts)]
    rest = ", ".join([ends[-1], *map(json.dumps, before)]) + "]"
    return " || ".join(f"? || {number}" for number in numbers) + " || ?", [*between, rest]


def _rest(target: dict[str, Any]) -> str:
    """What ends the object of a target, behind its number of rows: `}` or `, "run": "…"}`."""
    more = {name: fact for name, fact in target.items() if name not in ("table", "strategy")}
    return f", {json.dumps(more)[1:]}" if more else "}"
