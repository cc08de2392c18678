"""How many arguments Redshift's functions take, and which calls give them others.

Source: Redshift's Database Developer Guide, "SQL functions reference", the syntax of each function.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sqlglot.tokenizer_core import Token

# The functions by the numbers of arguments that they take, in the order of the reference.
_TAKE = {
    "0": """
        cume_dist dense_rank getdate percent_rank pi random rank row_number sysdate timeofday
    """,
    "1": """
        any_value avg bit_and bit_or bool_and bool_or max median min percentile_cont
        percentile_disc stddev stddev_pop stddev_samp sum var_pop var_samp variance count grouping
        ntile ratio_to_report date_part_year last_day checksum farmfingerprint64 func_sha1 md5 sha
        sha1 crc32 can_json_parse is_valid_json is_valid_json_array json_parse json_serialize
        json_serialize_to_varbyte abs acos asin atan cbrt ceil ceiling cos cot degrees dexp dlog1
        dlog10 exp floor ln log radians sign sin sqrt tan ascii char_length character_length chr
        initcap len length lower octet_length quote_ident quote_literal reverse soundex textlen
        upper decimal_precision decimal_scale is_array is_bigint is_char is_decimal is_float
        is_integer is_object is_scalar is_smallint is_varchar json_size json_typeof from_hex
        get_array_length array_flatten hll hll_cardinality hll_combine hll_create_sketch
        first_value last_value
    """,
    "1-2": """
        round trunc btrim ltrim rtrim json_array_length listagg fnv_hash murmur3_32_hash lag lead
        text_to_int_alt text_to_numeric_alt split_to_array to_hex
    """,
    "2": """
        add_months date_cmp date_cmp_timestamp date_cmp_timestamptz date_part pgdate_part
        date_trunc interval_cmp months_between next_day timestamp_cmp timestamp_cmp_date
        timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date timestamptz_cmp_timestamp
        timezone sha2 atan2 mod pow power bpcharcmp bttext_pattern_cmp charindex collate
        difference left right octetindex repeat replicate strpos strtol convert nullif nth_value
        to_char to_number array_concat hll_combine_sketches getbit to_varbyte from_varbyte
    """,
    "2-3": """
        convert_timezone json_extract_array_element_text lpad rpad substr substring to_date
        to_timestamp
    """,
    "3": "dateadd datediff nvl2 replace split_part translate",
    "2-4": "regexp_count",
    "2-5": "regexp_replace regexp_substr",
    "2-6": "regexp_instr",
    "2-7": "json_extract_path_text",
    "1+": "coalesce greatest least nvl grouping_id",
    "2+": "concat",  # `missing` tells of more than two
    "3+": "decode",
}


def _arities() -> dict[str, tuple[int, int | None]]:
    """The least and the most arguments of every function; None where there is no most."""
    found: dict[str, tuple[int, int | None]] = {}
    for numbers, names in _TAKE.items():
        least, _, most = numbers.removesuffix("+").partition("-")
        last = None if numbers.endswith("+") else int(most or least)
        found |= dict.fromkeys(names.split(), (int(least), last))
    return found


ARITIES = _arities()
# Words between arguments that are no commas: TRIM(a FROM b), EXTRACT(a FROM b), POSITION(a IN b).
_OWN_WAY = ("FROM", "FOR", "IN", "AS", "SELECT", "WITH")
_OPEN, _CLOSE = ("(", "["), (")", "]")


# What to write instead of a call with other arguments.
_INSTEAD = {
    "count": "COUNT(DISTINCT a || '-' || b)",
    "lag": "COALESCE(LAG(...) OVER (...), ...)",
    "lead": "COALESCE(LEAD(...) OVER (...), ...)",
    "log": "LN(b) / LN(a)",
    "max": "GREATEST(a, b)",
    "min": "LEAST(a, b)",
    "replace": "TRANSLATE(...), or REPLACE(a, b, '')",
}


def wrong_arity(tokens: Sequence[Token], opening: int, name: str) -> tuple[str, str] | None:
    """What is wrong with the number of arguments of a call, and what to write; None if nothing is.

    :param opening: the index of the bracket behind the name of the function.
    """
    if name not in ARITIES:
        return None
    least, most = ARITIES[name]
    words = list(_outermost(tokens, opening))
    if any(word.upper() in _OWN_WAY for word in words):
        return None
    given = words.count(",") + 1 if words else 0
    if least <= given and (most is None or given <= most):
        return None
    takes = str(least) if most == least else f"{least} to {most}" if most else f"{least} or more"
    argument = "argument" if takes == "1" else "arguments"
    hint = f"write {_INSTEAD[name]}" if name in _INSTEAD else ""
    return f"Redshift's {name.upper()} takes {takes} {argument}, not {given}", hint


def _outermost(tokens: Sequence[Token], opening: int) -> Iterator[str]:
    """The words within brackets, without those in brackets within; a text is told as `''`."""
    import sqlglot

    quoted = (sqlglot.TokenType.STRING, sqlglot.TokenType.IDENTIFIER)
    depth = 1
    for token in tokens[opening + 1 :]:
        word = "''" if token.token_type in quoted else token.text
        depth -= word in _CLOSE
        if depth == 0:
            return
        if depth == 1:
            yield word
        depth += word in _OPEN
