"""What templates may use: the data interval, params, and functions that make names of values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from markupsafe import Markup

from etl_framework.interval import DataInterval
from etl_framework.sql import as_of
from etl_framework.sql.quote import quote, redshift_literal


@dataclass(frozen=True)
class IntervalValues:
    """`interval.start`, `interval.end`, `interval.date`."""

    start: Any
    end: Any
    date: str

    @classmethod
    def of(cls, interval: DataInterval) -> IntervalValues:
        """The values of one interval."""
        return cls(interval.start, interval.end, interval.date)


class ParamValues:
    """Gives `params.x`, without the methods of a dictionary."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = dict(values)

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name not in self._values:
            raise AttributeError(name)
        return self._values[name]


@dataclass(frozen=True)
class _Identifier:
    """A name that becomes SQL only by itself, never as part of a text."""

    name: str

    def __str__(self) -> str:
        raise TypeError("ident() stands by itself: put the text together inside its parentheses")


@dataclass(frozen=True)
class _AsOf:
    """A condition that becomes SQL only by itself, never as part of a text."""

    history: str
    moment: str

    def __str__(self) -> str:
        raise TypeError("as_of() stands by itself: write AND or OR outside of its braces")


def ident(name: str) -> _Identifier:
    """Make a value the name of a table or column.

    :raises TypeError: the value is not a text.
    """
    if not _is_name(name):
        raise TypeError("ident() takes a text, for example ident('name')")
    return _Identifier(name)


def as_of_moment(history: str, moment: str) -> _AsOf:
    """Make the condition that a version of a history was valid at a moment.

    :raises TypeError: one of the names is not a text.
    """
    if not (_is_name(history) and _is_name(moment)):
        raise TypeError("as_of() takes two names, for example as_of('c', 'f.at')")
    return _AsOf(history, moment)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and value != "" and not isinstance(value, Markup)


def compared(value: Any) -> str:
    """Return the SQL of a moment where it is compared, if it is the first of two of one name.

    When clocks go back, 02:00 comes twice. A time without a zone is the second for a database, so
    the first is written with its zone; beside other times without one it means the same.
    """
    if not isinstance(value, datetime) or value.tzinfo is None:
        return ""
    second = value.replace(fold=1)  # it is later, while one that clocks skip would be earlier
    if second.astimezone(UTC) <= value.astimezone(UTC):
        return ""
    return f"CAST('{value.isoformat(sep=' ')}' AS TIMESTAMPTZ)"


def written(value: Any) -> str:
    """Return the SQL that a value becomes."""
    if isinstance(value, _Identifier):
        return quote(value.name)
    if isinstance(value, _AsOf):
        return as_of.condition(value.history, value.moment)
    return redshift_literal(value)
