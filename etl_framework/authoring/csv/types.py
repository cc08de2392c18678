"""Choose the type of a column that keeps every one of its texts."""

from __future__ import annotations

from dataclasses import dataclass

from etl_framework.authoring.csv.facts import Facts

LENGTHS = (5, 10, 20, 50, 100, 255, 1000, 4000, 65535)
UNKNOWN = 255
# Money and the like has no more digits than this.
DIGITS, SCALE, MOST_DIGITS = 18, 6, 38
# Of at least so many texts, one in a hundred may be junk that a run rejects.
ENOUGH = 100
# By type, the kind of its texts, and the kinds that none of the others may be.
NEARLY = {
    "bigint": ("integer", ("like_number",)),
    "date": ("date", ("like_date",)),
    "timestamp": ("timestamp", ("like_date",)),
    "timestamptz": ("timestamptz", ("like_date", "timestamp")),
}


@dataclass(frozen=True)
class Choice:
    """A type, with what the user has to know about it."""

    type: str
    note: str = ""

    @property
    def is_text(self) -> bool:
        """Whether the texts stay as they are."""
        return self.type.startswith("varchar")


def chosen(facts: Facts) -> Choice:
    """Return the type of a column; words that often mean no value are none."""
    return _exact(facts) or _nearly(facts) or text(facts)


def _exact(facts: Facts) -> Choice | None:
    """Return a type that every text has, or None."""
    if not facts.filled:
        return None
    are = {kind for kind, count in facts.counts.items() if count == facts.filled}
    if "boolean" in are:
        return Choice("boolean")
    if "integer" in are:
        return Choice("bigint")
    if "plain" in are and facts.scale <= SCALE and facts.whole + facts.scale <= DIGITS:
        return Choice(f"decimal({DIGITS},{facts.scale})")
    if "plain" in are and facts.scale <= SCALE and facts.whole + facts.scale <= MOST_DIGITS:
        return Choice(f"decimal({MOST_DIGITS},{facts.scale})")
    if "double" in are and not _is_shortened(facts):
        return Choice("double precision")
    if "plain" in are and facts.whole + facts.scale <= MOST_DIGITS:
        return Choice(f"decimal({MOST_DIGITS},{facts.scale})")
    return next((Choice(k) for k in ("date", "timestamp", "timestamptz") if k in are), None)


def _is_shortened(facts: Facts) -> bool:
    """Whether a spreadsheet has shortened whole numbers to a few digits and a power of ten."""
    whole = facts.counts["integer"] + facts.counts["shortened"]
    return facts.counts["shortened"] > 0 and whole == facts.filled


def _nearly(facts: Facts) -> Choice | None:
    """Return a type that at least 99% of many texts have, if a run rejects the others."""
    for type_, (kind, others) in NEARLY.items():
        without = facts.filled - facts.counts[kind]
        mistaken = sum(facts.counts[other] for other in others)
        if facts.filled >= ENOUGH and without <= facts.filled // 100 and not mistaken:
            return Choice(type_, f"rejects {without} of {facts.filled}: {facts.examples[kind]!r}")
    return None


def text(facts: Facts) -> Choice:
    """Return a varchar with room for longer texts than those that are there."""
    room = min(2 * facts.longest, LENGTHS[-1]) if facts.longest else UNKNOWN
    type_ = f"varchar({next(length for length in LENGTHS if length >= room)})"
    if facts.longest > LENGTHS[-1]:
        return Choice(type_, f"rejects texts of more than {LENGTHS[-1]} bytes")
    numbers = facts.counts["integer"] + facts.counts["like_number"]
    if facts.counts["shortened"] and numbers == facts.filled:
        shown = facts.examples["shortened"]
        return Choice(type_, f"a spreadsheet may have shortened numbers: {shown!r}")
    return Choice(type_, "" if facts.longest else "no row has a value yet")
