"""Tell whether the first row of a file names its columns."""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import pairwise

from etl_framework.authoring.csv.facts import NULLS, Facts
from etl_framework.authoring.csv.types import Choice, chosen

NUMBER = r"[-+]?(\d+\.?\d*|\.\d+)([eE][-+]?\d+)?"
MOMENT = r"\d{4}-\d\d-\d\d([ T].*)?"
# What texts of a type look like.
LOOKS = {
    "bigint": NUMBER,
    "decimal": NUMBER,
    "double precision": NUMBER,
    "boolean": "(?i:true|false)",
    "date": MOMENT,
    "timestamp": MOMENT,
    "timestamptz": MOMENT,
}


def has_header(first: Sequence[str | None], others: Sequence[Facts], repeated: int) -> bool | None:
    """Whether the first row names the columns; None if nothing tells.

    :param others: the facts about the columns, without the first row.
    :param repeated: how many of the first row's texts are in their columns again.
    """
    values = [(text or "").strip() for text in first]
    if not any(facts.filled for facts in others):
        return not any(_looks(value, "bigint") or _looks(value, "date") for value in values)
    types = [chosen(facts) for facts in others]
    if any(map(_names, values, types, others)):
        return True
    if _counts_up(values):
        return True
    if any(map(_is_row, values, types, others)):
        return False
    return False if 2 * repeated > sum(map(bool, values)) else None


def _looks(value: str, type_: str) -> bool:
    return re.fullmatch(LOOKS[type_.partition("(")[0]], value) is not None


def _names(value: str, choice: Choice, facts: Facts) -> bool:
    """Whether a text over a column of another type must be its name."""
    if not value or value in NULLS:
        return False
    if not choice.is_text:
        return not _looks(value, choice.type)
    # Dates in any form have digits, too.
    with_digits = _only_numbers(facts) or facts.filled == facts.counts["like_date"]
    return with_digits and not re.search(r"\d", value)


def _is_row(value: str, choice: Choice, facts: Facts) -> bool:
    """Whether a text is like the values of its column."""
    if not choice.is_text:
        return _looks(value, choice.type)
    return _only_numbers(facts) and re.fullmatch(r"[-+.,eE\d]*\d", value) is not None


def _only_numbers(facts: Facts) -> bool:
    """Whether all texts are numbers, those among them that stay texts, such as `007` and `1,5`."""
    numbers = facts.counts["integer"] + facts.counts["like_number"]
    return facts.filled > 0 and numbers == facts.filled


def _counts_up(values: Sequence[str]) -> bool:
    """Whether the texts end in three or more numbers that count up, as years in a header do."""
    numbers = [int(value) for value in values if re.fullmatch(r"\d{1,9}", value)]
    steps = {after - before for before, after in pairwise(numbers)}
    return len(numbers) >= 3 and steps == {1}
