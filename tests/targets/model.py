"""What tables hold after data intervals in any order, again, corrected, over emptied tables.

A plain model of every strategy, beside the real ones on a DuckDB file. `make chaos` runs thousands
of sequences: `python -m tests.targets.model 10000`.
"""

from __future__ import annotations

import sys
import tempfile
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, settings
from hypothesis import strategies as values
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)

from etl_framework.targets.load import Load
from tests.targets.places import Place, day

DAYS, KEYS = range(1, 5), range(1, 5)
COLUMNS = {"id": "integer", "day": "timestamp", "note": "integer"}
HOW: dict[str, dict[str, object]] = {
    "append": {},
    "snapshot": {},
    "delete+insert": {"incremental_key": "day"},
    "merge": {"unique_key": ["id"]},
    "replace": {},
    "scd2": {"unique_key": ["id"], "on_missing": "close"},
}
PLAIN = ("append", "snapshot", "delete+insert")
Row = tuple[int, datetime, int]
DAY_OF = "COALESCE(date_part('day', {} AT TIME ZONE 'UTC'), 99)::INTEGER"


def table_of(strategy: str) -> str:
    return strategy.replace("+", "_")


class Tables(RuleBasedStateMachine):
    """One pipeline, a target of each strategy, four days."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.place = Place("duckdb", "warehouse.duckdb", Path(self.folder.name))
        self.source: dict[int, dict[int, int]] = {number: {} for number in DAYS}
        # Of each strategy by interval, and for merge by key: what a table holds.
        self.held: dict[str, dict[int, list[Row]]] = {
            strategy: {} for strategy in (*PLAIN, "replace")
        }
        self.merged: dict[int, tuple[int, Row]] = {}
        # How many rows the ledger tells of the table that is replaced, by interval.
        self.replaced: dict[int, int] = {}
        # What each interval gave last: the note of every key. It is empty where that was lost.
        self.seen: dict[int, dict[int, int]] = {}
        self.made = False

    def teardown(self) -> None:
        self.folder.cleanup()

    @rule(
        number=values.sampled_from(DAYS),
        given=values.dictionaries(values.sampled_from(KEYS), values.integers(0, 9), max_size=4),
    )
    def deliver(self, number: int, given: dict[int, int]) -> None:
        """Rows of a day come, change or go."""
        self.source[number] = given

    @rule(number=values.sampled_from(DAYS), again=values.booleans())
    def run(self, number: int, again: bool) -> None:
        """Publish a day, perhaps twice."""
        at = datetime(2024, 6, number, 8)
        rows = [(key, at, note) for key, note in self.source[number].items()]
        loads = [self._load(strategy, rows) for strategy in HOW]
        for _ in range(1 + again):
            self.place.publish(day(number), *loads)
        self.made = True
        self.seen[number] = dict(self.source[number])
        for strategy in PLAIN:
            self.held[strategy][number] = rows
        self._merge(number, rows)
        self._replace(number, rows)

    @rule(strategy=values.sampled_from(sorted(HOW)), drop=values.booleans())
    def harm(self, strategy: str, drop: bool) -> None:
        """Somebody drops a table, or empties it."""
        if not self.made:
            return
        table = table_of(strategy)
        self.place.do(f"DROP TABLE IF EXISTS {table}" if drop else f"DELETE FROM {table}")
        if drop:
            self.place.do(self._made_again(strategy))
        if strategy == "merge":
            self.merged.clear()
        elif strategy == "scd2":
            self.seen = {number: {} for number in self.seen}
        else:
            self.held[strategy].clear()

    @invariant()
    def tables_hold_what_they_should(self) -> None:
        if not getattr(self, "made", False):
            return
        wanted = {
            strategy: sorted(row for rows in held.values() for row in rows)
            for strategy, held in self.held.items()
        }
        wanted["merge"] = sorted(row for _, row in self.merged.values())
        found = {
            strategy: sorted(self.place.rows(f"SELECT id, day, note FROM {table_of(strategy)}"))
            for strategy in wanted
        }
        assert found == wanted
        history = f"SELECT id, note, {DAY_OF.format('valid_from')}, {DAY_OF.format('valid_to')}, "
        assert sorted(self.place.rows(f"{history} is_current FROM scd2")) == self._versions()

    def _versions(self) -> list[tuple[int, int, int, int, bool]]:
        """The versions of all rows; 99 stands for an end that has not come."""
        days = [*sorted(self.seen), 99]
        versions = []
        for key in KEYS:
            begun: tuple[int, int] | None = None
            for number in days:
                note = self.seen.get(number, {}).get(key)
                if begun and (number == 99 or note != begun[1]):
                    versions.append((key, begun[1], begun[0], number, number == 99))
                    begun = None
                if note is not None and begun is None:
                    begun = number, note
        return sorted(versions)

    def _load(self, strategy: str, rows: list[Row]) -> Load:
        how, columns, given = HOW[strategy], COLUMNS, list[tuple[Any, ...]](rows)
        if strategy == "scd2":
            columns, given = {"id": "integer", "note": "integer"}, [(k, n) for k, _, n in rows]
        load = self.place.load(table_of(strategy), strategy, given, columns, **how)
        return replace(load, by_interval=True, older="keep")

    def _made_again(self, strategy: str) -> str:
        with self.place.open() as warehouse:
            return warehouse.create(self._load(strategy, []).wanted)[0]

    def _merge(self, number: int, rows: list[Row]) -> None:
        kept = {key: held for key, held in self.merged.items() if held[0] != number}
        for row in rows:
            if row[0] not in kept or kept[row[0]][0] < number:
                kept[row[0]] = (number, row)
        self.merged = kept

    def _replace(self, number: int, rows: list[Row]) -> None:
        filled = any(self.held["replace"].values())
        newer = [n for n, told in self.replaced.items() if n > number and (filled or told == 0)]
        self.replaced[number] = 0 if newer else len(rows)
        if not newer:
            self.held["replace"] = {number: rows}


def check(sequences: int, steps: int = 10) -> None:
    """Run sequences of chance against the model.

    :raises AssertionError: a table holds other rows; the error tells the shortest sequence.
    """
    run_state_machine_as_test(
        Tables,
        settings=settings(
            max_examples=sequences,
            stateful_step_count=steps,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )


if __name__ == "__main__":
    check(int(sys.argv[1]))
