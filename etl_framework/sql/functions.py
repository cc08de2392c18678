"""Redshift's functions: which there are, and which words of a query call a function it has not.

Source: Redshift's Database Developer Guide, "SQL functions reference"; "Unsupported PostgreSQL
functions" and "Leader node-only functions" for those that it has not for tables.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from etl_framework.errors import did_you_mean
from etl_framework.sql.arity import wrong_arity
from etl_framework.sql.scope import ScopeProblem

if TYPE_CHECKING:
    from sqlglot import exp
    from sqlglot.tokenizer_core import Token

# What the functions reference lists, by its sections.
_KNOWN = """
    any_value approximate avg count listagg max median min percentile_cont percentile_disc
    stddev stddev_pop stddev_samp sum var_pop var_samp variance bit_and bit_or bool_and bool_or
    grouping grouping_id array array_concat array_contains array_distinct array_except
    array_flatten array_intersection array_position array_positions array_sort array_union
    arrays_overlap get_array_length split_to_array subarray coalesce decode greatest least nvl
    nvl2 nullif cast convert try_cast to_char to_date to_number to_timestamp text_to_int_alt
    text_to_numeric_alt add_months convert_timezone date_cmp date_cmp_timestamp
    date_cmp_timestamptz date_part date_part_year pgdate_part date_trunc dateadd datediff extract
    getdate interval_cmp last_day months_between next_day sysdate timeofday timestamp_cmp
    timestamp_cmp_date timestamp_cmp_timestamptz timestamptz_cmp timestamptz_cmp_date
    timestamptz_cmp_timestamp timezone trunc current_date date time timestamp timestamptz timetz
    checksum farmfingerprint64 fnv_hash func_sha1 md5 murmur3_32_hash sha sha1 sha2 crc32 hll
    hll_cardinality hll_combine hll_combine_sketches hll_create_sketch can_json_parse
    is_valid_json is_valid_json_array json_array_length json_extract_array_element_text
    json_extract_path_text json_parse json_serialize json_serialize_to_varbyte abs acos asin
    atan atan2 cbrt ceil ceiling cos cot degrees dexp dlog1 dlog10 exp floor ln log mod pi pow
    power radians random round sign sin sqrt tan lower_attribute_names object object_transform
    upper_attribute_names ascii bpcharcmp btrim bttext_pattern_cmp char_length character_length
    charindex chr collate concat difference initcap left len length lower lpad ltrim
    octet_length octetindex position quote_ident quote_literal regexp_count regexp_instr
    regexp_replace regexp_substr repeat replace replicate reverse right rpad rtrim soundex
    split_part strpos strtol substr substring textlen translate trim upper decimal_precision
    decimal_scale is_array is_bigint is_char is_decimal is_float is_integer is_object is_scalar
    is_smallint is_varchar json_size json_typeof from_hex from_varbyte getbit to_hex to_varbyte
    cume_dist dense_rank first_value lag last_value lead nth_value ntile percent_rank rank
    ratio_to_report row_number
"""
KNOWN = frozenset(_KNOWN.split())

# What Redshift has not, and what to write instead.
INSTEAD = {
    "string_agg": "LISTAGG(..., ', ') WITHIN GROUP (ORDER BY ...)",
    "group_concat": "LISTAGG(..., ', ') WITHIN GROUP (ORDER BY ...)",
    "array_agg": "LISTAGG(...), or one row for each value",
    "list": "LISTAGG(...), or one row for each value",
    "every": "MIN(CASE WHEN ... THEN 1 ELSE 0 END) = 1",
    "ifnull": "COALESCE(..., ...)",
    "isnull": "COALESCE(..., ...)",
    "if": "CASE WHEN ... THEN ... ELSE ... END",
    "iif": "CASE WHEN ... THEN ... ELSE ... END",
    "iff": "CASE WHEN ... THEN ... ELSE ... END",
    "div": "a / b, which is whole for integers",
    "generate_series": "a source with the rows, or a recursive WITH",
    "unnest": "one row for each value in the source",
    "bit_length": "OCTET_LENGTH(...) * 8",
    "overlay": "LEFT(...) || ... || SUBSTRING(...)",
    "regexp_matches": "REGEXP_SUBSTR(...)",
    "regexp_extract": "REGEXP_SUBSTR(...)",
    "regexp_match": "REGEXP_SUBSTR(...)",
    "regexp_like": "a ~ 'pattern'",
    "regexp_split_to_table": "SPLIT_PART(...)",
    "regexp_split_to_array": "SPLIT_PART(...)",
    "string_split": "SPLIT_PART(...)",
    "strftime": "TO_CHAR(..., 'YYYY-MM-DD')",
    "date_format": "TO_CHAR(..., 'YYYY-MM-DD')",
    "format": "TO_CHAR(...), or ||",
    "strptime": "TO_TIMESTAMP(..., 'YYYY-MM-DD HH24:MI:SS')",
    "epoch": "EXTRACT(EPOCH FROM ...)",
    "date_diff": "DATEDIFF(day, a, b)",
    "timestampdiff": "DATEDIFF(day, a, b)",
    "date_add": "DATEADD(day, 1, a)",
    "date_sub": "DATEADD(day, -1, a)",
    "now": "{{ interval.end }}, or GETDATE()",
    "current_timestamp": "{{ interval.end }}, or GETDATE()",
    "age": "DATEDIFF(day, a, b)",
    "year": "EXTRACT(YEAR FROM ...)",
    "month": "EXTRACT(MONTH FROM ...)",
    "day": "EXTRACT(DAY FROM ...)",
    "hour": "EXTRACT(HOUR FROM ...)",
    "minute": "EXTRACT(MINUTE FROM ...)",
    "second": "EXTRACT(SECOND FROM ...)",
    "week": "EXTRACT(WEEK FROM ...)",
    "quarter": "EXTRACT(QUARTER FROM ...)",
    "dayofweek": "EXTRACT(DOW FROM ...)",
    "safe_divide": "a / NULLIF(b, 0)",
    "try_divide": "a / NULLIF(b, 0)",
    "countif": "SUM(CASE WHEN ... THEN 1 ELSE 0 END)",
    "count_if": "SUM(CASE WHEN ... THEN 1 ELSE 0 END)",
    "approx_count_distinct": "COUNT(DISTINCT ...)",
    "concat_ws": "a || ', ' || b",
    "starts_with": "a LIKE 'b%'",
    "startswith": "a LIKE 'b%'",
    "ends_with": "a LIKE '%b'",
    "endswith": "a LIKE '%b'",
    "contains": "STRPOS(a, b) > 0",
    "instr": "STRPOS(a, b)",
    "locate": "STRPOS(b, a)",
    "hash": "FNV_HASH(...), or MD5(...)",
    "arg_max": "ROW_NUMBER() OVER (... ORDER BY ... DESC) = 1",
    "arg_min": "ROW_NUMBER() OVER (... ORDER BY ...) = 1",
    "max_by": "ROW_NUMBER() OVER (... ORDER BY ... DESC) = 1",
    "min_by": "ROW_NUMBER() OVER (... ORDER BY ...) = 1",
    "mode": "ROW_NUMBER() OVER (... ORDER BY COUNT(*) DESC, ...) = 1",
    "first": "FIRST_VALUE(...) OVER (...)",
    "last": "LAST_VALUE(...) OVER (...)",
    "ucase": "UPPER(...)",
    "lcase": "LOWER(...)",
    "to_json": "JSON_SERIALIZE(...)",
    "columns": "the names of the columns",
}

# Words that may stand before a bracket and call nothing.
_NO_CALLS = """
    all and any as between bigint bpchar by case char character decimal distinct double else
    except exclude exists filter float for from full group having ilike in inner int integer
    intersect into is join lateral like limit minus natural not numeric nvarchar on or order
    outer over partition pivot precision qualify real rollup cube select sets similar smallint
    some table text then to top union unpivot using values varbyte varchar varying when where
    window with within materialized recursive zone interval escape super boolean bool
"""
NO_CALLS = frozenset(_NO_CALLS.split())


def unknown_functions(words: Sequence[Token], tree: exp.Expr) -> Iterator[ScopeProblem]:
    """Every call of a function that Redshift has not, or with other arguments than it takes.

    :param words: those that the tree was made of; a tree does not keep how a function is spelled.
    """
    from sqlglot import exp

    tables = {node.alias_or_name.lower() for node in tree.find_all(exp.CTE, exp.TableAlias)}
    for offset, name, opening in called(words):
        word = name.lower()
        if word.startswith("st_") or word in tables:
            continue
        if word in KNOWN:
            if problem := wrong_call(words, offset, word, opening):
                yield problem
            continue
        hint = f"write {INSTEAD[word]}" if word in INSTEAD else did_you_mean(word, KNOWN)
        yield ScopeProblem(offset, "E416", f"Redshift has no function {name.upper()}", hint)


def wrong_call(
    tokens: Sequence[Token], offset: int, name: str, opening: int
) -> ScopeProblem | None:
    """The problem of a call with other arguments than the function takes; None if it has none."""
    wrong = wrong_arity(tokens, opening, name.lower())
    return ScopeProblem(offset, "E416", *wrong) if wrong else None


def called(tokens: Sequence[Token]) -> Iterator[tuple[int, str, int]]:
    """The offset and name of every word that a bracket follows, and the bracket's index.

    Keywords are left out.

    The name of a function in a schema has the schema before it: `main.f`.
    """
    import sqlglot

    kinds = sqlglot.TokenType
    for index, (token, after) in enumerate(pairwise(tokens)):
        word = token.text.rpartition(" ")[2]
        if after.token_type != kinds.L_PAREN or token.token_type in (kinds.STRING, kinds.NUMBER):
            continue
        start = index
        while start >= 2 and tokens[start - 1].token_type == kinds.DOT:
            start -= 2
        if start < index:
            name = "".join(part.text for part in tokens[start : index + 1])
            yield tokens[start].start, name, index + 1
        elif (word[:1].isalpha() or word[:1] == "_") and word.lower() not in NO_CALLS:
            yield token.start + len(token.text) - len(word), word, index + 1
