"""SQL that tells which texts are numbers, days and moments, written in the one usual way.

It is the same in DuckDB, PostgreSQL and Redshift, and no value makes it fail. It has no `?` and no
`%`, which drivers read as places of values.
"""

from __future__ import annotations

from etl_framework.columns import ColumnType

LARGEST = {"smallint": 2**15 - 1, "integer": 2**31 - 1, "bigint": 2**63 - 1}
# Of each float: the integers that it holds without a gap, and the digits that it always keeps,
# where it is neither near 0 nor near infinity, as no text of 38 characters is.
FLOATS = {"real": (2**24, 6), "double precision": (2**53, 15)}
LONGEST_FLOAT = 38
_NUMBER = "^-{0,1}(0|[1-9][0-9]*)([.][0-9]+){0,1}$"
_ZERO_WITH_A_SIGN = "^-[0.]+$"
_DAY = "^[0-9]{4}-[0-9]{2}-[0-9]{2}$"
_MOMENT = "^[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,6}){0,1}$"


def is_number(text: str, type_: ColumnType) -> str:
    """SQL that is true for a text whose number a type holds, with all that the text says.

    Of `007`, `+1`, `-0`, `1e3` and ` 1` a number would not keep all.

    :param text: the text as SQL.
    """
    scale, whole, fraction = 0, digits_before(text), digits_behind(text)
    if type_.family == "float":
        largest, kept = FLOATS[type_.name]
        few = f"{digits_of(text)} <= {kept} AND LENGTH({text}) <= {LONGEST_FLOAT}"
        fits = f"({few} OR {fraction} = '' AND {_within(text, largest, largest)})"
    elif type_.family == "decimal":
        precision, scale = type_.arguments
        fits = f"LENGTH({whole}) <= {precision - scale} AND LENGTH({fraction}) <= {scale}"
    else:
        largest = LARGEST[type_.name]
        fits = f"{fraction} = '' AND {_within(text, largest, largest + 1)}"
    return f"{text} ~ '{_NUMBER}' AND NOT {text} ~ '{_ZERO_WITH_A_SIGN}' AND {fits}"


def digits_of(text: str) -> str:
    """SQL for how many digits a number has from the first that counts to the last: 3 of 0.1250."""
    return f"LENGTH(TRIM(BOTH '0' FROM REPLACE(LTRIM({text}, '-'), '.', '')))"


def digits_before(text: str) -> str:
    """SQL for the digits before the point: `12` of -12.50."""
    return f"LTRIM(SPLIT_PART(LTRIM({text}, '-'), '.', 1), '0')"


def digits_behind(text: str) -> str:
    """SQL for the digits behind the point: `5` of -12.50."""
    return f"RTRIM(SPLIT_PART({text}, '.', 2), '0')"


def _within(text: str, largest: int, least: int) -> str:
    """SQL that is true for a number from -least to largest, whatever is behind the point."""
    # (LENGTH(DIGITS) < 5 OR LENGTH(DIGITS) = 5
    #   AND DIGITS <= CASE WHEN LEFT("n", 1) = '-' THEN '32768' ELSE '32767' END)
    digits, length = digits_before(text), len(str(largest))
    limit = f"CASE WHEN LEFT({text}, 1) = '-' THEN '{least}' ELSE '{largest}' END"
    return f"(LENGTH({digits}) < {length} OR LENGTH({digits}) = {length} AND {digits} <= {limit})"


def is_day(text: str) -> str:
    """SQL that is true for a text such as 2024-02-29, if there was such a day."""
    # CASE WHEN "day" ~ '^...$' THEN YEAR > 0 AND MONTH BETWEEN 1 AND 12
    #   AND DAY BETWEEN 1 AND CASE WHEN MONTH IN (4, 6, 9, 11) THEN 30 ... END END
    year, month, day = (
        f"CAST(SUBSTRING({text}, {first}, {length}) AS INTEGER)"
        for first, length in ((1, 4), (6, 2), (9, 2))
    )
    leap = f"MOD({year}, 4) = 0 AND (MOD({year}, 100) <> 0 OR MOD({year}, 400) = 0)"
    last = (
        f"CASE WHEN {month} IN (4, 6, 9, 11) THEN 30 WHEN {month} <> 2 THEN 31 "
        f"WHEN {leap} THEN 29 ELSE 28 END"
    )
    there = f"{year} > 0 AND {month} BETWEEN 1 AND 12 AND {day} BETWEEN 1 AND {last}"
    return f"CASE WHEN {text} ~ '{_DAY}' THEN {there} END"


def is_moment(text: str) -> str:
    """SQL that is true for a text such as 2024-02-29 10:30:00.5, or such as a day."""
    clock = " AND ".join(
        f"SUBSTRING({text}, {first}, 2) <= '{last}'"
        for first, last in ((12, 23), (15, 59), (18, 59))
    )
    both = f"{clock} AND {is_day(f'LEFT({text}, 10)')}"
    return f"CASE WHEN {text} ~ '{_MOMENT}' THEN {both} ELSE {is_day(text)} END"
