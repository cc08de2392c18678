"""Exact numbers: what DuckDB computes has the digits and the type of Redshift's formulas."""

from __future__ import annotations

import random
from dataclasses import dataclass
from decimal import ROUND_DOWN, Context, Decimal
from fractions import Fraction

import duckdb
import pytest

from etl_framework.errors import PlanError
from etl_framework.sql.decimals import decimal_of
from etl_framework.sql.dialect import parse, typed
from etl_framework.sql.planner import EmptyTables, config
from etl_framework.sql.translate import for_duckdb
from tests.sql.translation import translate

COLUMNS = {
    "k": "INTEGER",
    "i": "INTEGER", "b": "BIGINT", "s": "SMALLINT", "m": "DECIMAL(10,2)", "n": "DECIMAL(12,4)",
    "w": "DECIMAL(18,0)", "f": "DECIMAL(5,5)",
}  # fmt: skip
SIZES = {"i": (10, 0), "b": (19, 0), "s": (5, 0), "m": (10, 2), "n": (12, 4), "w": (18, 0),
         "f": (5, 5)}  # fmt: skip
ROWS = [
    {"i": 7, "b": 9007199254740993, "s": 3, "m": "100.50", "n": "0.0001", "w": 999999999999999999,
     "f": "0.99999"},
    {"i": -2147483647, "b": -1, "s": -32768, "m": "-99999999.99", "n": "12345678.9012", "w": -3,
     "f": "-0.00001"},
    {"i": 1000, "b": 40000, "s": 201, "m": "1.45", "n": "-3.3333", "w": 248, "f": "0.12345"},
]  # fmt: skip
EXACT = Context(prec=200)


@dataclass(frozen=True)
class Value:
    """SQL and what Redshift's guide says of it: precision, scale, and the value for each row."""

    sql: str
    digits: int
    scale: int
    values: tuple[Fraction | None, ...]
    whole: bool  # of an integer type
    fits: bool = True  # in 38 digits, at each step


def leaf(draw: random.Random) -> Value:
    if draw.random() < 0.3:
        text = draw.choice(["1000", "3", "100.0", "0.05", "7.125", "1.0", "12"])
        whole, _, fraction = text.partition(".")
        size = (len(whole) + len(fraction), len(fraction)) if fraction else (10, 0)
        return Value(text, *size, (Fraction(text),) * len(ROWS), not fraction)
    name = draw.choice(list(SIZES))
    values = tuple(Fraction(str(row[name])) for row in ROWS)
    return Value(name, *SIZES[name], values, name in "ibs")


def cut(value: Fraction, scale: int) -> Fraction:
    shifted = value * 10**scale
    return Fraction(abs(shifted.numerator) // shifted.denominator, 10**scale) * (
        -1 if shifted < 0 else 1
    )


def combined(draw: random.Random, left: Value, right: Value) -> Value | None:
    """Both sides with an operator; None where integers meet: their overflow is another matter."""
    if left.whole and right.whole:
        return None
    operator = draw.choice("+-*//")
    (p1, s1), (p2, s2) = (left.digits, left.scale), (right.digits, right.scale)
    if operator == "*":
        digits, scale = p1 + p2 + 1, s1 + s2
    elif operator == "/":
        scale = max(4, s1 + p2 - s2 + 1)
        digits = p1 - s1 + s2 + scale
        if digits > 38:
            scale = max(4, 38 + scale - digits)
    else:
        scale = max(s1, s2)
        digits = max(p1 - s1, p2 - s2) + 1 + scale

    def computed(a: Fraction | None, b: Fraction | None) -> Fraction | None:
        if a is None or b is None or (operator == "/" and not b):
            return None
        if operator == "/":
            return cut(a / b, scale)
        return {"+": a + b, "-": a - b, "*": a * b}[operator]

    values = tuple(map(computed, left.values, right.values))
    fits = digits <= 38 and scale <= 38 and left.fits and right.fits
    divisor = f"NULLIF({right.sql}, 0)" if operator == "/" else right.sql
    sql = f"({left.sql} {operator} {divisor})"
    return Value(sql, min(digits, 38), min(scale, 38), values, False, fits)


def expression(draw: random.Random, depth: int) -> Value:
    if not depth:
        return leaf(draw)
    while True:
        sides = [expression(draw, draw.randrange(depth)) for _ in range(2)]
        if made := combined(draw, *sides):
            return made


def test_exact_numbers_are_computed_as_the_guide_says() -> None:
    draw = random.Random(20)
    made = [value for value in (expression(draw, 3) for _ in range(900)) if value.fits][:400]
    assert len(made) == 400

    definitions = ", ".join(f"{name} {type_}" for name, type_ in COLUMNS.items())
    with duckdb.connect() as session:
        session.execute(f"CREATE TABLE t ({definitions})")
        for number, row in enumerate(ROWS):
            session.execute(f"INSERT INTO t VALUES ({number}, {', '.join(map(str, row.values()))})")
        for value in made:
            sql = translate(f"SELECT {value.sql} AS v FROM t ORDER BY k", {"t": COLUMNS})
            found = [row[0] for row in session.execute(sql).fetchall()]
            assert [None if v is None else Fraction(v) for v in found] == list(value.values), (
                value.sql
            )


@pytest.mark.parametrize("sql", ["AVG(m)", "AVG(DISTINCT m)", "AVG(m) OVER (PARTITION BY k)"])
def test_a_mean_of_decimals_is_cut_at_their_scale(sql: str) -> None:
    amounts = [Decimal("1.00"), Decimal("2.00"), Decimal("2.00"), None, Decimal("-6.67")]
    distinct = sorted({amount for amount in amounts if amount is not None})
    kept = distinct if "DISTINCT" in sql else [a for a in amounts if a is not None]
    mean = (sum(kept) / len(kept)).quantize(Decimal("0.01"), ROUND_DOWN, EXACT)

    with duckdb.connect() as session:
        session.execute("CREATE TABLE t (k INTEGER, m DECIMAL(10,2))")
        session.executemany("INSERT INTO t VALUES (1, ?)", [[amount] for amount in amounts])
        translated = translate(f"SELECT {sql} AS v FROM t", {"t": COLUMNS})
        assert session.execute(translated).fetchall()[0] == (mean,)


def test_a_mean_of_nothing_is_null() -> None:
    with duckdb.connect() as session:
        session.execute("CREATE TABLE t (m DECIMAL(10,2))")
        sql = translate("SELECT AVG(m) AS v FROM t", {"t": {"m": "DECIMAL(10,2)"}})
        assert session.execute(sql).fetchall() == [(None,)]


@pytest.mark.parametrize(
    ("sql", "expected"),
    [
        pytest.param(
            "SELECT x / 3 AS v FROM (SELECT m AS x FROM t UNION ALL SELECT n FROM t) AS u",
            ["1.1111", "33.5"], id="a union of two scales",
        ),
        pytest.param(
            "SELECT x / 3 AS v FROM (SELECT i AS x FROM t UNION ALL SELECT 0.0003 "
            "UNION ALL SELECT m FROM t) AS u",
            ["0.0001", "2.33333333", "33.5"], id="a union of three types",
        ),
        pytest.param("SELECT MOD(n, 0.9) / 3 AS v FROM t", ["0.2111"], id="a remainder"),
        pytest.param("SELECT (MOD(n, 0.9) + m) / 3 AS v FROM t", ["33.7111"], id="a sum with one"),
        pytest.param("SELECT NVL2(i, n, m) / 3 AS v FROM t", ["1.1111"], id="NVL2"),
        pytest.param("SELECT DECODE(i, 7, n, m) / 3 AS v FROM t", ["1.1111"], id="DECODE"),
        pytest.param("SELECT (SELECT MAX(n) FROM t) / 3 AS v FROM t", ["1.1111"], id="a subquery"),
        pytest.param("SELECT n * 10 / 3 AS v FROM (SELECT COALESCE(m, n) - m + n AS n FROM t) AS u",
                     ["11.111"], id="through a subquery"),
    ],
)  # fmt: skip
def test_no_digit_of_an_operand_is_cut_off(sql: str, expected: list[str]) -> None:
    """Where DuckDB gives a value more digits than the first of its parts has."""
    types = {"i": "INTEGER", "m": "DECIMAL(10,2)", "n": "DECIMAL(12,4)"}
    with duckdb.connect() as session:
        session.execute("CREATE TABLE t (i INTEGER, m DECIMAL(10,2), n DECIMAL(12,4))")
        session.execute("INSERT INTO t VALUES (7, 100.50, 3.3333)")
        found = sorted(session.execute(translate(sql, {"t": types})).fetchall())

    assert [float(value) for (value,) in found] == pytest.approx(
        [float(text) for text in expected], rel=1e-6
    )


FORMS = [
    "ABS({})", "-({})", "ROUND({}, 1)", "ROUND({})", "ROUND({}, -1)", "ROUND({}, 9)",
    "TRUNC({}, 2)", "TRUNC({})", "CEIL({})", "FLOOR({})", "COALESCE({}, {})", "GREATEST({}, {})",
    "LEAST({}, {})",
    "NULLIF({}, {})", "CASE WHEN i > 1 THEN {} ELSE {} END", "({} + {})", "({} - {})", "({} * {})",
    "({} / NULLIF({}, 0))", "MOD({}, NULLIF({}, 0))", "NVL2(i, {}, {})", "DECODE(i, 1, {}, {})",
    "MAX({}) OVER ()", "LAG({}, 1, {}) OVER (ORDER BY i)", "SUM({}) OVER ()", "AVG({}) OVER ()",
    "CAST({} AS DECIMAL(12,3))", "FIRST_VALUE({}) OVER (ORDER BY i ROWS UNBOUNDED PRECEDING)",
]  # fmt: skip


def test_no_type_is_told_with_fewer_digits_than_duckdb_has() -> None:
    """What a type cuts off is lost where the value becomes an integer to be divided."""
    draw = random.Random(7)
    told = 0
    tables = EmptyTables()
    for _ in range(150):
        sql = draw.choice(FORMS)
        while "{}" in sql:
            simple = "OVER" in sql or sql.count("(") > 4 or draw.random() < 0.5
            inner = draw.choice("imnf") if simple else draw.choice(FORMS[:22])
            sql = sql.replace("{}", inner, 1)
        tree = typed(parse(f"SELECT {sql} AS v FROM t"), {"t": COLUMNS})
        size = decimal_of(tree.selects[0].type)
        try:
            ((_, given),) = tables.describe(for_duckdb(tree), {"t": COLUMNS})
        except PlanError:  # more than 38 digits behind the point
            continue
        if size and given.startswith("DECIMAL"):
            told += 1
            assert int(given.rstrip(")").partition(",")[2]) <= size[1], (sql, given, size)
    tables.close()
    assert told > 50


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("DATEDIFF(day, DATE '2024-01-01', DATE '2024-01-11') / 7", 1),
        ("(DATE '2024-01-11' - DATE '2024-01-01') / 7", 1),
        ("REGEXP_COUNT('aaa', 'a') / 2", 1),
        ("REGEXP_INSTR('xxa', 'a') / 2", 1),
        ("OCTET_LENGTH('abc') / 2", 1),
        ("DECODE(1, 1, 7, 2) / 2", 3),
        ("NVL2(1, 7, 0) / 2", 3),
        ("STRTOL('f', 16) / 2", 7),
        ("DATE_CMP(DATE '2024-01-02', DATE '2024-01-01') / 2", 0),
        ("EXTRACT(YEAR FROM DATE '2024-01-01') / 5", 404),
        ("DATE_PART_YEAR(DATE '2024-07-01') / 5", 404),
        ("LEN('abc') / 2", 1),
        ("STRPOS('xxa', 'a') / 2", 1),
        ("CHARINDEX('a', 'xxa') / 2", 1),
        ("COUNT(*) / 2", 0),
        ("(CASE WHEN 1 = 1 THEN 7 ELSE 2 END) / 2", 3),
        ("ABS(-7) / 2", 3),
        ("GREATEST(7, 3) / 2", 3),
        ("NULLIF(7, 3) / 2", 3),
    ],
)
def test_what_gives_an_integer_divides_as_one(expression: str, expected: int) -> None:
    sql = for_duckdb(typed(parse(f"SELECT {expression} AS v"), {}))

    with duckdb.connect(config=config()) as session:
        assert session.execute(sql).fetchall() == [(expected,)], sql


def test_days_between_dates_are_compared_with_numbers() -> None:
    sql = for_duckdb(
        typed(parse("SELECT a - b > 3 AS v FROM t"), {"t": {"a": "DATE", "b": "DATE"}})
    )

    assert "> 3" in sql
