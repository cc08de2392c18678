"""SQL that finds the values of a column which another type does not hold, and converts the others.

A value fits if nothing is lost: the new value says all that the old one said. The same SQL runs in
DuckDB, PostgreSQL and Redshift.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from etl_framework.columns import ColumnType
from etl_framework.sql.plain_texts import FLOATS, LARGEST, digits_of, is_day, is_moment, is_number

# Days and moments of these years are written alike by all databases.
USUAL_MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}( [0-9:.]+){0,1}$"


@dataclass(frozen=True)
class Conversion:
    """How values of one type become values of another.

    :param written: the new type in the SQL of the database.
    :param length: the function that measures texts as the types of the database do.
    """

    former: ColumnType
    new: ColumnType
    written: str
    length: str

    @classmethod
    def of(
        cls, former: ColumnType, new: ColumnType, written: str, length: str
    ) -> Conversion | None:
        """The conversion between two types; None if values cannot mean the same in both."""
        known = (former.family, new.family) in RULES
        return cls(former, new, written, length) if known else None

    def misfit(self, x: str) -> str:
        """SQL that is true for a value that the new type does not hold; empty if it holds all.

        :param x: the value as SQL.
        """
        fits = self._rule[0](self, x)
        return f"{x} IS NOT NULL AND NOT COALESCE({fits}, FALSE)" if fits else ""

    def value(self, x: str) -> str:
        """SQL for the value in its new type."""
        return f"CAST({self._rule[1](self, x)} AS {self.written})"

    @property
    def _rule(self) -> Rule:
        return RULES[self.former.family, self.new.family]

    def itself(self, x: str) -> str:
        return x

    def text(self, x: str) -> str:
        """SQL for the value as a text; blanks at the end of a `char` do not count."""
        if self.former.name == "char":
            return f"RTRIM({x}, ' ')"
        if self.former.family == "boolean":  # which Redshift casts to no text
            return f"CASE WHEN {x} THEN 'true' WHEN NOT {x} THEN 'false' END"
        return x if self.former.family == "text" else f"CAST({x} AS VARCHAR)"

    def always(self, x: str) -> str:
        return ""

    def is_short(self, x: str) -> str:
        text, short = self.text(x), f"{self.length}({self.text(x)}) <= {self.new.arguments[0]}"
        return f"{short} AND RIGHT({text}, 1) <> ' '" if self.new.name == "char" else short

    def is_number(self, x: str) -> str:
        return is_number(self.text(x), self.new)

    def is_day(self, x: str) -> str:
        return is_day(self.text(x))

    def is_moment(self, x: str) -> str:
        return is_moment(self.text(x))

    def is_flag(self, x: str) -> str:
        return f"{self.text(x)} IN ('true', 'false')"

    def is_bit(self, x: str) -> str:
        return f"{x} IN (0, 1)"

    def is_midnight(self, x: str) -> str:
        return f"CAST(CAST({x} AS DATE) AS TIMESTAMP) = {x}"

    def is_small(self, x: str) -> str:
        return f"{x} BETWEEN {-LARGEST[self.new.name] - 1} AND {LARGEST[self.new.name]}"

    def is_usual_moment(self, x: str) -> str:
        return f"{self.is_short(x)} AND {self.text(x)} ~ '{USUAL_MOMENT}'"

    def is_short_float(self, x: str) -> str:
        return f"{self.is_short(x)} AND CAST({self.text(x)} AS {self.former}) = {x}"

    def is_integer(self, x: str) -> str:
        limit = f"CAST('{LARGEST[self.new.name] + 1}' AS DOUBLE PRECISION)"
        return f"CASE WHEN {x} >= -{limit} AND {x} < {limit} THEN {x} = FLOOR({x}) END"

    def is_decimal(self, x: str) -> str:
        """SQL that is true for a float of so few digits that a decimal says the same."""
        # CASE WHEN ABS("x") < 1e8 THEN CAST(ROUNDED AS real) = "x" AND ABS(ROUNDED) < 1e8
        #   AND LENGTH(DIGITS) <= 15 END, where ROUNDED is CAST("x" AS DECIMAL(11,2))
        digits, scale = self.new.arguments
        limit = f"CAST('1e{digits - scale}' AS DOUBLE PRECISION)"
        rounded = f"CAST({x} AS DECIMAL({min(digits + 1, 38)},{scale}))"  # perhaps up to the limit
        few = f"{digits_of(f'CAST({rounded} AS VARCHAR)')} <= {FLOATS['double precision'][1]}"
        same = f"CAST({rounded} AS {self.former}) = {x} AND ABS({rounded}) < {limit} AND {few}"
        return f"CASE WHEN ABS({x}) < {limit} THEN {same} END"

    def is_real(self, x: str) -> str:
        least, largest = (f"CAST('{limit}' AS DOUBLE PRECISION)" for limit in ("1.2e-38", "3.4e38"))
        usual = f"{x} = 0 OR ABS({x}) BETWEEN {least} AND {largest}"
        return f"CASE WHEN {usual} THEN CAST(CAST({x} AS REAL) AS DOUBLE PRECISION) = {x} END"

    def whole(self, x: str) -> str:
        return f"SPLIT_PART({self.text(x)}, '.', 1)"

    def flag(self, x: str) -> str:
        return f"CASE {self.text(x)} WHEN 'true' THEN TRUE WHEN 'false' THEN FALSE END"

    def flag_of_bit(self, x: str) -> str:
        return f"CASE {x} WHEN 1 THEN TRUE WHEN 0 THEN FALSE END"

    def bit(self, x: str) -> str:
        return f"CASE WHEN {x} THEN 1 WHEN NOT {x} THEN 0 END"


# SQL that is true for a value that fits, and SQL for what is cast to the new type.
Rule = tuple[Callable[[Conversion, str], str], Callable[[Conversion, str], str]]
C = Conversion
# By the families of both types. A moment with a time zone and one without are never the same.
RULES: Mapping[tuple[str, str], Rule] = {
    ("text", "text"): (C.is_short, C.text),
    ("text", "integer"): (C.is_number, C.whole),
    ("text", "decimal"): (C.is_number, C.text),
    ("text", "float"): (C.is_number, C.text),
    ("text", "boolean"): (C.is_flag, C.flag),
    ("text", "date"): (C.is_day, C.text),
    ("text", "timestamp"): (C.is_moment, C.text),
    ("integer", "integer"): (C.is_small, C.itself),
    ("integer", "decimal"): (C.is_number, C.itself),
    ("integer", "float"): (C.is_number, C.itself),
    ("integer", "boolean"): (C.is_bit, C.flag_of_bit),
    ("integer", "text"): (C.is_short, C.text),
    ("decimal", "decimal"): (C.is_number, C.itself),
    ("decimal", "integer"): (C.is_number, C.itself),
    ("decimal", "float"): (C.is_number, C.itself),
    ("decimal", "text"): (C.is_short, C.text),
    ("float", "float"): (C.is_real, C.itself),
    ("float", "integer"): (C.is_integer, C.itself),
    ("float", "decimal"): (C.is_decimal, C.itself),
    ("float", "text"): (C.is_short_float, C.text),
    ("boolean", "integer"): (C.always, C.bit),
    ("boolean", "text"): (C.is_short, C.text),
    ("date", "timestamp"): (C.always, C.itself),
    ("date", "text"): (C.is_usual_moment, C.text),
    ("timestamp", "date"): (C.is_midnight, C.itself),
    ("timestamp", "text"): (C.is_usual_moment, C.text),
}
