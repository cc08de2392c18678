"""Count, for every column of CSV files, how many of its texts look like which kind of value."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from typing import TYPE_CHECKING

from etl_framework.sql.quote import literal

if TYPE_CHECKING:
    import duckdb

# Words that often mean no value.
NULLS = ("NA", "N/A", "n/a", "#N/A", "NULL", "null", "NaN", "nan", "None", "\\N", "-", "?", ".")
# So many values are counted at once, of as many columns as there are.
BATCH = 1_000_000
SHOWN = 40
DAY = r"\d{4}-\d{2}-\d{2}"
TIME = r"[ T]\d{2}:\d{2}(:\d{2}(\.\d{1,6})?)?"
PLAIN = r"-?((0|[1-9]\d*)(\.\d*)?|\.\d+)"
ZONE = r"(Z|[-+]\d{2}(:\d{2})?)"
# What a spreadsheet makes of a whole number with twelve digits or more.
SHORTENED = r"-?\d(\.\d{1,9})?E\+(1[1-9]|[2-9]\d|\d{3})"

Row = Iterable[str | None]


def _digits(number: str) -> str:
    """SQL for the digits of a number, without the power of ten and zeros at both ends."""
    mantissa = f"regexp_replace(lower({number}), 'e.*', '')"
    return f"rtrim(ltrim(replace({mantissa}, '.', ''), '-0'), '0')"


# By kind, SQL that is true for a trimmed text `t` that is such a value, all of it.
KINDS = {
    "boolean": "lower(t) IN ('true', 'false')",
    "integer": "plain AND NOT contains(t, '.') AND TRY_CAST(t AS BIGINT) IS NOT NULL",
    "plain": "plain",
    "double": f"(plain OR power) AND {_digits('t')} = {_digits('CAST(d AS VARCHAR)')}",
    "date": f"regexp_full_match(t, '{DAY}') AND TRY_CAST(t AS DATE) IS NOT NULL",
    "timestamp": f"regexp_full_match(t, '{DAY}({TIME})?') AND TRY_CAST(t AS TIMESTAMP) IS NOT NULL",
    "timestamptz": f"regexp_full_match(t, '{DAY}{TIME}{ZONE}') "
    "AND TRY_CAST(t AS TIMESTAMPTZ) IS NOT NULL",
    # Texts that reading might take for another value than the one that is meant.
    "like_number": r"regexp_full_match(t, '[-+0-9.,eE_\s]*[0-9][-+0-9.,eE_\s]*|0[xXbB].*') "
    "AND NOT is_integer",
    "like_date": f"regexp_matches(t, '[0-9]') AND NOT regexp_matches(t, '^{DAY}')",
    "shortened": f"regexp_full_match(t, '{SHORTENED}')",
}
# By kind, those texts of which one is kept to be shown.
EXAMPLES = {
    "integer": "NOT is_integer", "date": "NOT is_date", "timestamp": "NOT is_timestamp",
    "timestamptz": "NOT is_timestamptz", "shortened": "is_shortened",
}  # fmt: skip


@dataclass
class Facts:
    """What is known about the texts of a column, but for words that often mean no value.

    :param filled: the number of texts that are not empty.
    :param empty: the number of rows without a value.
    :param longest: the largest number of bytes of a text, such words among them.
    :param whole: the largest number of digits before the point of a plain number.
    :param scale: the same behind the point.
    :param counts: by kind, how many of the texts are of it.
    :param examples: by kind, a text that is not of it.
    :param nulls: by word that often means no value, how often it is there.
    """

    filled: int = 0
    empty: int = 0
    longest: int = 0
    whole: int = 0
    scale: int = 0
    counts: dict[str, int] = field(default_factory=lambda: dict.fromkeys(KINDS, 0))
    examples: dict[str, str] = field(default_factory=dict)
    nulls: dict[str, int] = field(default_factory=dict)

    def add(self, other: Facts) -> None:
        """Add what is known about more texts of the column."""
        self.filled += other.filled
        self.empty += other.empty
        self.longest = max(self.longest, other.longest)
        self.whole = max(self.whole, other.whole)
        self.scale = max(self.scale, other.scale)
        self.counts = {kind: count + other.counts[kind] for kind, count in self.counts.items()}
        self.examples = {**other.examples, **self.examples}
        for word, count in other.nulls.items():
            self.nulls[word] = self.nulls.get(word, 0) + count


def facts_of(session: duckdb.DuckDBPyConnection, rows: Iterator[Row], width: int) -> list[Facts]:
    """Return the facts of every column.

    Memory and the length of the SQL do not grow with the number of rows or columns.

    :param rows: have `width` values each.
    """
    facts = [Facts() for _ in range(width)]
    many = max(BATCH // max(width, 1), 1)
    while batch := list(islice(rows, many)):
        for column, found in _counted(session, batch):
            facts[column].add(found)
    return facts


def _counted(session: duckdb.DuckDBPyConnection, batch: list[Row]) -> Iterator[tuple[int, Facts]]:
    import numpy
    import pyarrow as pa

    # A row for every value: the number of its column, and its text.
    columns = list(zip(*batch, strict=True))
    numbers = numpy.repeat(numpy.arange(len(columns), dtype=numpy.int32), len(batch))
    texts = pa.array(chain.from_iterable(columns), pa.string())
    session.register("etl_texts", pa.table({"number": pa.array(numbers), "text": texts}))
    try:
        result = session.execute(_SQL)
        while found := result.fetchmany(1000):
            for number, filled, empty, longest, whole, scale, *more in found:
                counts = dict(zip(KINDS, more, strict=False))
                shown = zip(EXAMPLES, more[len(KINDS) :], strict=False)
                examples = {kind: text for kind, text in shown if text is not None}
                nulls = {word: count for word, count in zip(NULLS, more[-1], strict=True) if count}
                yield (
                    number,
                    Facts(
                        filled, empty, longest or 0, whole or 0, scale or 0, counts, examples, nulls
                    ),
                )
    finally:
        session.unregister("etl_texts")


def _sql() -> str:
    # SELECT number, sum(n) FILTER (value), ..., sum(n) FILTER (value AND is_date), ...
    # FROM (SELECT *, (lower(t) IN (...)) AS is_boolean, ... FROM (
    #   SELECT *, regexp_full_match(t, '...') AS plain, TRY_CAST(t AS DOUBLE) AS d FROM (
    #     SELECT number, text, trim(text) AS t, count(*) AS n FROM etl_texts GROUP BY 1, 2)))
    # GROUP BY number
    words = ", ".join(literal(word) for word in NULLS)
    distinct = (
        "SELECT number, text, trim(text) AS t, count(*) AS n, "
        f"text <> '' AND text NOT IN ({words}) AS is_value FROM etl_texts GROUP BY 1, 2"
    )
    power = r"-?((0|[1-9]\d*)(\.\d*)?|\.\d+)[eE][-+]?\d+"
    cast = (
        f"SELECT *, is_value AND regexp_full_match(t, '{PLAIN}') AS plain, "
        f"is_value AND regexp_full_match(t, '{power}') AS power, "
        f"CASE WHEN strlen(t) < 400 THEN TRY_CAST(t AS DOUBLE) END AS d FROM ({distinct})"
    )
    # DuckDB lets a column use one to its left.
    flags = ", ".join(f"is_value AND ({sql}) AS is_{kind}" for kind, sql in KINDS.items())
    counts = ", ".join(f"coalesce(sum(n) FILTER (is_{kind}), 0)::BIGINT" for kind in KINDS)
    examples = ", ".join(
        f"min(left(text, {SHOWN})) FILTER (is_value AND {sql})" for sql in EXAMPLES.values()
    )
    nulls = ", ".join(
        f"coalesce(sum(n) FILTER (text = {literal(word)}), 0)::BIGINT" for word in NULLS
    )
    return (
        "SELECT number, coalesce(sum(n) FILTER (is_value), 0)::BIGINT, "
        "coalesce(sum(n) FILTER (text IS NULL), 0)::BIGINT, max(strlen(text)), "
        "max(strlen(ltrim(split_part(t, '.', 1), '-0'))) FILTER (plain), "
        f"max(strlen(split_part(t, '.', 2))) FILTER (plain), {counts}, {examples}, [{nulls}] "
        f"FROM (SELECT *, {flags} FROM ({cast})) GROUP BY number"
    )


_SQL = _sql()
