"""Find the words that mean no value in CSV files, and with them the types of the columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from etl_framework.authoring.csv.facts import NULLS, Facts
from etl_framework.authoring.csv.given import Given
from etl_framework.authoring.csv.look import Look, look
from etl_framework.authoring.csv.marks import Fit
from etl_framework.authoring.csv.types import Choice, chosen, text
from etl_framework.connections.files import File

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Typed:
    """The types of all columns, by name, and the words that mean no value."""

    look: Look
    nulls: tuple[str, ...]
    choices: dict[str, Choice]


def typed(
    session: duckdb.DuckDBPyConnection, files: Sequence[File], fit: Fit, seen: Look, given: Given
) -> Typed:
    """Return the types that lose no text.

    A word means no value in all columns of a source. So it is taken for none only if columns of
    texts do not have it, or have it in quotes: those are always a value.
    """
    words = given.nulls if given.nulls is not None else _wanted(seen)
    if not words:
        return Typed(seen, (), {name: _choice(facts) for name, facts in seen.columns.items()})
    after = _with(session, files, fit, seen, words)
    lost = _lost(seen, after) if given.nulls is None else set()
    if lost:
        words = tuple(word for word in words if word not in lost)
        after = _with(session, files, fit, seen, words) if words else seen
    choices = {name: _choice(facts) for name, facts in after.columns.items()}
    for name, facts in seen.columns.items():
        shared = sorted(lost & facts.nulls.keys())
        if shared and facts.filled and not chosen(facts).is_text:
            note = f"{chosen(facts).type} but for {', '.join(shared)}, which texts are, too"
            hint = f"if it means no value everywhere: --null {shared[0]}"
            choices[name] = replace(choices[name], note=f"{note}; {hint}")
    return Typed(after, words, choices)


def _choice(facts: Facts) -> Choice:
    """The type of a column, in which words that may mean no value are texts."""
    return text(facts) if facts.nulls else chosen(facts)


def _wanted(seen: Look) -> tuple[str, ...]:
    """The words in columns of numbers, dates and the like, which they are not."""
    found = {
        word
        for facts in seen.columns.values()
        if facts.filled and not chosen(facts).is_text
        for word in facts.nulls
    }
    return tuple(word for word in NULLS if word in found)


def _with(
    session: duckdb.DuckDBPyConnection,
    files: Sequence[File],
    fit: Fit,
    seen: Look,
    words: tuple[str, ...],
) -> Look:
    """What is in the files if some words mean no value."""
    dialect = replace(fit.dialect, nulls=words)
    after = look(session, files, dialect, fit.width, seen.header is not False)
    after.header = seen.header
    return after


def _lost(before: Look, after: Look) -> set[str]:
    """The words that columns of texts would lose."""
    lost: set[str] = set()
    for name, facts in before.columns.items():
        then = after.columns[name]
        if then.empty > facts.empty and chosen(facts).is_text and facts.filled:
            lost |= {word for word, count in facts.nulls.items() if then.nulls.get(word, 0) < count}
    return lost
