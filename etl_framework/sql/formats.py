"""The formats of TO_CHAR, TO_DATE and TO_TIMESTAMP, in the words of DuckDB's strftime.

Source: Redshift's Database Developer Guide, "Datetime format strings".
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl_framework.errors import PlanError

if TYPE_CHECKING:
    from sqlglot import exp

# Words that mean the same in capitals and in small letters.
_NUMBERS = {
    "YYYY": "%Y", "IYYY": "%G", "YY": "%y", "MM": "%m", "DDD": "%j", "DD": "%d", "ID": "%u",
    "IW": "%V", "HH24": "%H", "HH12": "%I", "HH": "%I", "MI": "%M", "SS": "%S", "MS": "%g",
    "US": "%f", "FMMM": "%-m", "FMDDD": "%-j", "FMDD": "%-d", "FMHH24": "%-H", "FMHH12": "%-I",
    "FMMI": "%-M", "FMSS": "%-S",
}  # fmt: skip
_NAMES = {
    "Mon": "%b", "Dy": "%a", "FMMonth": "%B", "FMDay": "%A", "TMMonth": "%B", "TMDay": "%A",
    "AM": "%p", "PM": "%p",
}  # fmt: skip
# Words that are read in any letters, but written in their own.
_READ = {"MON": "%b", "MONTH": "%B", "DY": "%a", "DAY": "%A", "AM": "%p", "PM": "%p"}
# What to write instead of a word that strftime has not.
_INSTEAD = {
    "MON": "UPPER(TO_CHAR(..., 'Mon'))", "mon": "LOWER(TO_CHAR(..., 'Mon'))",
    "DY": "UPPER(TO_CHAR(..., 'Dy'))", "dy": "LOWER(TO_CHAR(..., 'Dy'))",
    "Month": "'FMMonth'", "MONTH": "UPPER(TO_CHAR(..., 'FMMonth'))",
    "month": "LOWER(TO_CHAR(..., 'FMMonth'))", "Day": "'FMDay'",
    "DAY": "UPPER(TO_CHAR(..., 'FMDay'))", "day": "LOWER(TO_CHAR(..., 'FMDay'))",
    "am": "LOWER(TO_CHAR(..., 'AM'))", "pm": "LOWER(TO_CHAR(..., 'PM'))",
    "Q": "EXTRACT(QUARTER FROM ...)", "D": "EXTRACT(DOW FROM ...) + 1",
    "SSSS": "DATEDIFF(second, DATE_TRUNC('day', a), a)",
}  # fmt: skip
_MODIFIER = re.compile("TH|th")
_WORD = re.compile(
    r'"(?P<quoted>[^"]*)"|(?P<word>'
    + "|".join(sorted({*_NUMBERS, *_NAMES, *_READ, *_INSTEAD}, key=len, reverse=True))
    + r"|[A-Za-z]+)|(?P<other>.)",
    re.IGNORECASE | re.DOTALL,
)


def format_date(node: exp.Expr) -> None:
    """Translate the format of a date, in place: `YYYY-MM` becomes `%Y-%m`.

    :raises PlanError: a number is formatted, or strftime has no such format.
    """
    from sqlglot import exp

    written = node.args["format"]
    if node.this.is_type(*exp.DataType.NUMERIC_TYPES):
        raise PlanError("TO_CHAR of a number: write CAST(... AS VARCHAR), or LPAD")
    if not written.is_string:
        raise PlanError("the format of a date must be written as a text")
    reads = not isinstance(node, exp.TimeToStr)
    written.set("this", _WORD.sub(lambda match: _translated(match, reads), written.name))


def _translated(match: re.Match[str], reads: bool) -> str:
    """One part of a format: a text in quotes, a word, or any other letter."""
    if match["word"] is None:
        return (match["quoted"] or match["other"] or "").replace("%", "%%")
    word = match["word"]
    form = _NUMBERS.get(word.upper()) or (
        _READ.get(word.upper(), _NAMES.get(word)) if reads else _NAMES.get(word)
    )
    ordinal = form and _MODIFIER.match(match.string, match.end())
    if form and not ordinal:
        return form
    hint = f"write {_INSTEAD[word]}" if word in _INSTEAD else "write a text in double quotes"
    shown = word + (ordinal[0] if ordinal else "")
    raise PlanError(f"the format '{shown}' of a date means something on Redshift only", hint)
