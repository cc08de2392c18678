"""Formats of dates and times in Redshift's words, such as `DD.MM.YYYY HH24:MI`.

Source: Redshift's Database Developer Guide, "DATEFORMAT and TIMEFORMAT strings", "Datetime format
strings".
"""

from __future__ import annotations

import re

# Words of a format, with those of strptime. In COPY, HH counts to 24 unless AM or PM stands by.
WORDS = {
    "YYYY": "%Y", "YY": "%y", "MM": "%m", "DDD": "%j", "DD": "%d", "HH24": "%H", "HH12": "%I",
    "HH": "%H", "MI": "%M", "SS": "%S", "US": "%f", "MS": "%g", "AM": "%p", "PM": "%p",
    "MONTH": "%B", "MON": "%b", "DAY": "%A", "DY": "%a", "TZH:TZM": "%z", "TZH": "%z", "OF": "%z",
}  # fmt: skip
# Numbers of seconds, or of thousandths of a second, since 1970.
EPOCHS = {"EPOCHSECS": 1_000_000, "EPOCHMILLISECS": 1_000}
_PIECES = re.compile(
    r'"([^"]*)"|(' + "|".join(sorted(WORDS, key=len, reverse=True)) + r")|([TZ])|([A-Za-z]+)|(.)",
    re.IGNORECASE | re.DOTALL,
)


def strptime_format(written: str) -> str:
    """A format as strptime has it: `DD.MM.YYYY` becomes `%d.%m.%Y`.

    :raises ValueError: a word is no part of a format.
    """
    halves = re.search(r"\b(AM|PM)\b", written, re.IGNORECASE)
    parts = []
    for quoted, word, letter, other, sign in _PIECES.findall(written):
        if other:
            raise ValueError(f"'{other}' is no part of a format; for example YYYY-MM-DD HH24:MI:SS")
        known = WORDS.get(word.upper(), "")
        if word.upper() == "HH" and halves:
            known = "%I"
        parts.append(known or (quoted + letter + sign).replace("%", "%%"))
    return "".join(parts)


def check_format(written: str) -> str:
    """Return a format as it is written.

    :raises ValueError: it has no meaning.
    """
    if written.upper() in EPOCHS:
        return written
    if "%" not in (format_ := strptime_format(written)):
        raise ValueError(f"'{written}' says nothing of a date; for example DD.MM.YYYY")
    if "%Y" not in format_ and "%y" not in format_:
        raise ValueError(f"'{written}' says no year: write YYYY or YY")
    return written
