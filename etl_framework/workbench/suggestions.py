"""Which checks suit what a relation holds."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, time
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from etl_framework.checks.base import MOMENTS, NUMBERS
from etl_framework.columns import Column, ColumnType
from etl_framework.interval import DataInterval
from etl_framework.project.relation import Relation
from etl_framework.sources.base import Source
from etl_framework.sql.quote import quote
from etl_framework.workbench.profile import ColumnProfile, matching, missing, profile

if TYPE_CHECKING:
    import duckdb

# Fewer rows say little about what values a column may have, or that they are its own.
ENOUGH = 20
PATTERNS = (
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    r"^[^@ ]+@[^@ ]+\.[^@ ]+$",
    r"^https?://",
    r"^[0-9]+$",
)
# For texts of one length, which stands behind.
LETTERS = (r"[0-9]", r"[A-Z]", r"[a-z]", r"[0-9A-Z]", r"[0-9a-z]", r"[0-9A-Za-z]")


@dataclass(frozen=True)
class Suggestion:
    """A check as a pipeline's file declares it, and what was seen."""

    check: dict[str, Any]
    seen: str


class Look:
    """One relation that a session sees, beside the others of its run."""

    def __init__(
        self,
        session: duckdb.DuckDBPyConnection,
        relation: Relation,
        interval: DataInterval,
    ) -> None:
        self._session = session
        self._pipeline = relation.pipeline
        self._relation = relation.name
        self._interval = interval
        self._block = relation.block
        self._checks = relation.checks
        self._hidden = relation.pipeline.sensitive()
        self.columns = profile(session, relation.name, self._described(relation.name))
        self.rows = self.columns[0].rows if self.columns else 0

    def _described(self, relation: str) -> list[Column]:
        rows = self._session.execute(f"DESCRIBE {quote(relation)}").fetchall()
        typed = [(str(row[0]), ColumnType.of_duckdb(str(row[1]))) for row in rows]
        return [Column(name=name, type=type_) for name, type_ in typed if type_]

    def new_ones(self) -> list[Suggestion]:
        """What suits and is not declared yet."""
        declared = {(c.type_name, *c.checked_columns()) for c in self._checks}
        declared |= {("unique", *names) for type_, *names in declared if type_ == "primary_key"}
        return [
            found
            for found in self._all()
            if (found.check["type"], *_columns_of(found.check)) not in declared
        ]

    def _all(self) -> Iterator[Suggestion]:
        half = self.rows // 2
        if half:
            yield Suggestion({"type": "row_count", "min": half}, f"{self.rows:,} rows")
        required = set()
        for check in self._checks:
            if check.type_name in ("not_null", "primary_key"):
                required |= set(check.checked_columns())
        full = [c.column.name for c in self.columns if not c.empty]
        if missing_ones := [name for name in full if name not in required]:
            yield Suggestion({"type": "not_null", "columns": missing_ones}, "none is empty")
        for found in self.columns:
            yield from self._of_column(found)

    def _of_column(self, found: ColumnProfile) -> Iterator[Suggestion]:
        name, family = found.column.name, found.column.type.family
        if found.empty and found.empty < found.rows:
            rate = found.empty / found.rows
            check = {"type": "null_rate", "column": name, "max": _percent(rate)}
            yield Suggestion(check, f"{found.empty:,} of {found.rows:,} empty, {rate:.2%}")
        if not found.distinct:
            return
        related = list(self._relationships(found))
        yield from related
        if found.is_unique and found.rows >= ENOUGH and family in ("integer", "text"):
            yield Suggestion({"type": "unique", "columns": [name]}, "every value is there once")
        if name.lower() in self._hidden or found.rows < ENOUGH or related:
            return
        if found.values and family in ("text", "integer"):
            values = list(found.values)
            yield Suggestion(
                {"type": "accepted_values", "column": name, "values": values},
                f"{found.distinct} different ones in {found.rows:,} rows",
            )
        elif family in NUMBERS and not found.is_unique:
            yield from self._range(found)
        elif family == "text":
            yield from self._form(found)
        elif family in MOMENTS and isinstance(self._block, Source):
            yield from self._freshness(found)

    def _range(self, found: ColumnProfile) -> Iterator[Suggestion]:
        bounds = {"min": found.least, "max": found.greatest}
        plain = {key: _plain(value) for key, value in bounds.items()}
        if all(value is not None for value in plain.values()):
            check = {"type": "accepted_range", "column": found.column.name, **plain}
            yield Suggestion(check, "the least and the greatest value")

    def _form(self, found: ColumnProfile) -> Iterator[Suggestion]:
        """A pattern, or else the lengths."""
        name, patterns = found.column.name, list(PATTERNS)
        if found.least == found.greatest:
            patterns += [f"^{letters}{{{found.least}}}$" for letters in LETTERS]
        for pattern in patterns:
            if matching(self._session, self._relation, name, pattern):
                yield Suggestion(
                    {"type": "pattern", "column": name, "pattern": pattern}, "all match"
                )
                return
        check = {"type": "length", "column": name, "min": found.least, "max": found.greatest}
        yield Suggestion(check, "characters of the shortest and of the longest")

    def _freshness(self, found: ColumnProfile) -> Iterator[Suggestion]:
        newest, end = found.greatest, self._interval.end
        if not isinstance(newest, datetime):
            newest = datetime.combine(newest, time())
        age = end.astimezone(newest.tzinfo) if newest.tzinfo else end.replace(tzinfo=None)
        hours = math.ceil((age - newest).total_seconds() / 3600)
        if 0 <= hours <= 24 * 31:
            check = {"type": "freshness", "column": found.column.name, "max_age": f"{hours + 1}h"}
            yield Suggestion(
                check, f"the newest is {hours} hours before the end of {self._interval}"
            )

    def _relationships(self, found: ColumnProfile) -> Iterator[Suggestion]:
        """Other sources with a column of that name that tells their rows apart."""
        name = found.column.name
        for other, block in self._pipeline.sources.items():
            keys = [column for column in block.columns if column.primary_key]
            if other == self._relation or [key.name for key in keys] != [name]:
                continue
            if keys[0].type.family != found.column.type.family:
                continue
            lost = missing(self._session, self._relation, name, other, name)
            if lost * 10 > found.rows:
                continue
            check = {"type": "relationships", "column": name, "to": f"{other}.{name}"}
            if lost:
                check["error_if"] = f">{_percent(lost / found.rows)}"
            yield Suggestion(check, f"{lost:,} of {found.rows:,} are not there")


def _columns_of(check: dict[str, Any]) -> list[str]:
    return check.get("columns") or ([check["column"]] if "column" in check else [])


def _percent(rate: float) -> str:
    """A rate with some room above it, in two digits."""
    percent = rate * 150
    digits = max(0, 1 - math.floor(math.log10(percent)))
    return f"{min(math.ceil(percent * 10**digits) / 10**digits, 100):g}%"


def _plain(value: Any) -> int | float | None:
    """A number as YAML has it; None when it would be another."""
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) and Decimal(str(number)) == Decimal(str(value)) else None
