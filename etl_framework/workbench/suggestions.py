"""Find the checks that suit the rows of a relation."""

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

# With fewer rows there is little reason to believe that a column has only these values, or that its
# values are unique.
ENOUGH = 20
PATTERNS = (
    r"^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$",
    r"^[^@ ]+@[^@ ]+\.[^@ ]+$",
    r"^https?://",
    r"^[0-9]+$",
)
# Patterns for texts that all have the same length: `^[0-9]{5}$`.
LETTERS = (r"[0-9]", r"[A-Z]", r"[a-z]", r"[0-9A-Z]", r"[0-9a-z]", r"[0-9A-Za-z]")


@dataclass(frozen=True)
class Suggestion:
    """A check as a pipeline's file declares it, and what was seen in the rows.

    :param check: the check's keys and values in the file.
    """

    check: dict[str, Any]
    seen: str


class Look:
    """A relation that a session can read, together with the other relations of its run."""

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
        """Return the columns of a relation, without those whose type a file cannot declare."""
        rows = self._session.execute(f"DESCRIBE {quote(relation)}").fetchall()
        typed = [(str(row[0]), ColumnType.of_duckdb(str(row[1]))) for row in rows]
        return [Column(name=name, type=type_) for name, type_ in typed if type_]

    def new_ones(self) -> list[Suggestion]:
        """Return the checks that suit the relation and are not declared yet."""
        declared = {(c.type_name, *c.checked_columns()) for c in self._checks}
        declared |= {("unique", *names) for type_, *names in declared if type_ == "primary_key"}
        return [
            suggestion
            for suggestion in self._all()
            if (suggestion.check["type"], *_columns_of(suggestion.check)) not in declared
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
        for column_profile in self.columns:
            yield from self._of_column(column_profile)

    def _of_column(self, column_profile: ColumnProfile) -> Iterator[Suggestion]:
        name, family = column_profile.column.name, column_profile.column.type.family
        if column_profile.empty and column_profile.empty < column_profile.rows:
            rate = column_profile.empty / column_profile.rows
            check = {"type": "null_rate", "column": name, "max": _percent(rate)}
            yield Suggestion(
                check, f"{column_profile.empty:,} of {column_profile.rows:,} empty, {rate:.2%}"
            )
        if not column_profile.distinct:
            return
        related = list(self._relationships(column_profile))
        yield from related
        if (
            column_profile.is_unique
            and column_profile.rows >= ENOUGH
            and family in ("integer", "text")
        ):
            yield Suggestion({"type": "unique", "columns": [name]}, "every value is there once")
        if name.lower() in self._hidden or column_profile.rows < ENOUGH or related:
            return
        if column_profile.values and family in ("text", "integer"):
            values = list(column_profile.values)
            yield Suggestion(
                {"type": "accepted_values", "column": name, "values": values},
                f"{column_profile.distinct} different ones in {column_profile.rows:,} rows",
            )
        elif family in NUMBERS and not column_profile.is_unique:
            yield from self._range(column_profile)
        elif family == "text":
            yield from self._form(column_profile)
        elif family in MOMENTS and isinstance(self._block, Source):
            yield from self._freshness(column_profile)

    def _range(self, column_profile: ColumnProfile) -> Iterator[Suggestion]:
        bounds = {"min": column_profile.least, "max": column_profile.greatest}
        plain = {key: _plain(value) for key, value in bounds.items()}
        if all(value is not None for value in plain.values()):
            check = {"type": "accepted_range", "column": column_profile.column.name, **plain}
            yield Suggestion(check, "the least and the greatest value")

    def _form(self, column_profile: ColumnProfile) -> Iterator[Suggestion]:
        """Suggest a pattern that all texts match, or else the range of their lengths."""
        name, patterns = column_profile.column.name, list(PATTERNS)
        if column_profile.least == column_profile.greatest:
            patterns += [f"^{letters}{{{column_profile.least}}}$" for letters in LETTERS]
        for pattern in patterns:
            if matching(self._session, self._relation, name, pattern):
                yield Suggestion(
                    {"type": "pattern", "column": name, "pattern": pattern}, "all match"
                )
                return
        check = {
            "type": "length",
            "column": name,
            "min": column_profile.least,
            "max": column_profile.greatest,
        }
        yield Suggestion(check, "characters of the shortest and of the longest")

    def _freshness(self, column_profile: ColumnProfile) -> Iterator[Suggestion]:
        newest, end = column_profile.greatest, self._interval.end
        if not isinstance(newest, datetime):
            newest = datetime.combine(newest, time())
        age = end.astimezone(newest.tzinfo) if newest.tzinfo else end.replace(tzinfo=None)
        hours = math.ceil((age - newest).total_seconds() / 3600)
        if 0 <= hours <= 24 * 31:
            check = {
                "type": "freshness",
                "column": column_profile.column.name,
                "max_age": f"{hours + 1}h",
            }
            yield Suggestion(
                check, f"the newest is {hours} hours before the end of {self._interval}"
            )

    def _relationships(self, column_profile: ColumnProfile) -> Iterator[Suggestion]:
        """Suggest `relationships` with sources whose primary key is a column of the same name."""
        name = column_profile.column.name
        for other, block in self._pipeline.sources.items():
            keys = [column for column in block.columns if column.primary_key]
            if other == self._relation or [key.name for key in keys] != [name]:
                continue
            if keys[0].type.family != column_profile.column.type.family:
                continue
            lost = missing(self._session, self._relation, name, other, name)
            if lost * 10 > column_profile.rows:
                continue
            check = {"type": "relationships", "column": name, "to": f"{other}.{name}"}
            if lost:
                check["error_if"] = f">{_percent(lost / column_profile.rows)}"
            yield Suggestion(check, f"{lost:,} of {column_profile.rows:,} are not there")


def _columns_of(check: dict[str, Any]) -> list[str]:
    return check.get("columns") or ([check["column"]] if "column" in check else [])


def _percent(rate: float) -> str:
    """Return one and a half times a rate as a percentage with two digits: 0.02 becomes `3%`."""
    percent = rate * 150
    digits = max(0, 1 - math.floor(math.log10(percent)))
    return f"{min(math.ceil(percent * 10**digits) / 10**digits, 100):g}%"


def _plain(value: Any) -> int | float | None:
    """Return a number that YAML can hold exactly, or None if it cannot."""
    if isinstance(value, int):
        return value
    number = float(value)
    return number if math.isfinite(number) and Decimal(str(number)) == Decimal(str(value)) else None
