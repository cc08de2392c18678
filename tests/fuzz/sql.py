"""`python -m tests.fuzz.sql COUNT [SEED]`: random queries, on DuckDB and on the stand-in.

Both must give the same rows, or both refuse. What lint refuses is not run.
"""

from __future__ import annotations

import random
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from math import isclose
from pathlib import Path
from typing import Any

import duckdb
import psycopg2

from etl_framework.columns import ColumnType
from etl_framework.devstack.stack import Stack
from etl_framework.errors import PlanError
from etl_framework.sql.planner import config
from etl_framework.sql.quote import literal
from tests.sql.translation import translate

COLUMNS = {
    "k": "integer", "i": "integer", "b": "bigint", "d": "decimal(10,2)", "e": "decimal(14,5)",
    "f": "double precision", "s": "varchar(30)", "t": "varchar(30)", "day": "date",
    "at": "timestamp", "ok": "boolean",
}  # fmt: skip
ROWS: list[tuple[Any, ...]] = [
    (
        1,
        7,
        9_007_199_254_740_993,
        "3.25",
        "0.33333",
        0.5,
        "Alpha beta",
        "x-y-z",
        "2024-01-31",
        "2024-01-31 10:20:30",
        True,
    ),
    (
        1,
        -4,
        12,
        "-1.10",
        "12.50000",
        -2.25,
        "gamma",
        "a,b,,c",
        "2024-02-29",
        "2024-02-29 23:59:59.5",
        False,
    ),
    (
        2,
        0,
        -3,
        "0.00",
        "99999.99999",
        100.0,
        "",
        "é 東京",
        "2023-12-31",
        "2023-12-31 00:00:00",
        True,
    ),
    (
        2,
        25,
        1_000_000,
        "99999.99",
        "-0.00001",
        1.5,
        "  pad  ",
        "UPPER lower",
        "2024-12-30",
        "2024-12-30 08:00:00",
        False,
    ),
    (3, None, None, None, None, None, None, None, None, None, None),
]
WHOLE, EXACT, FLOAT, TEXT, DAY, MOMENT, TRUTH = [
    "whole",
    "exact",
    "float",
    "text",
    "day",
    "moment",
    "truth",
]
LEAVES = {
    WHOLE: ["i", "b", "k", "2", "7", "-3", "100"],
    EXACT: ["d", "e", "1.5", "0.01", "-2.75", "10.0"],
    FLOAT: ["f", "f"],
    TEXT: ["s", "t", "'ab'", "'a-b'", "''"],
    DAY: ["day", "DATE '2024-03-15'"],
    MOMENT: ["at", "TIMESTAMP '2024-03-10 12:30:45'"],
    TRUTH: ["ok", "i > 3", "s LIKE '%a%'", "day >= '2024-01-31'", "d IS NULL"],
}
UNITS = ["day", "month", "year", "hour", "quarter", "minute"]
# Ways to make a value of a kind; `{whole}` is a value of that kind, `{n}` a small number.
RULES: dict[str, list[str]] = {
    WHOLE: [
        "({whole} + {whole})",
        "({whole} - {whole})",
        "({whole} * 3)",
        "({whole} / {p})",
        "({whole} % {p})",
        "ABS({whole})",
        "MOD({whole}, {p})",
        "NVL({whole}, {n})",
        "COALESCE({whole}, {whole}, 0)",
        "NULLIF({whole}, {n})",
        "GREATEST({whole}, {whole})",
        "LEAST({whole}, {n})",
        "LEN({text})",
        "CASE WHEN {truth} THEN {whole} ELSE {whole} END",
        "STRPOS({text}, 'a')",
        "CHARINDEX('b', {text})",
        "DATEDIFF({unit}, {moment}, {moment})",
        "EXTRACT(YEAR FROM {day})",
        "EXTRACT(DOW FROM {moment})",
        "DATE_PART('month', {day})",
        "DATE_PART(hour, {moment})",
        "OCTET_LENGTH({text})",
        "ASCII({text})",
        "NVL2({whole}, 1, 0)",
        "DECODE({whole}, 7, 1, 2)",
        "REGEXP_COUNT({text}, 'a')",
        "(day - DATE '2024-01-01')",
        "CAST({exact} AS INTEGER)",
    ],
    EXACT: [
        "({exact} + {exact})",
        "({exact} - {whole})",
        "({exact} * {exact})",
        "({exact} / {p})",
        "({exact} / 0.7)",
        "ROUND({exact}, {n})",
        "ROUND({exact})",
        "TRUNC({exact}, {n})",
        "TRUNC({exact})",
        "CEIL({exact})",
        "FLOOR({exact})",
        "ABS({exact})",
        "NVL({exact}, 0)",
        "COALESCE({exact}, 1.5)",
        "CAST({whole} AS DECIMAL(18,3))",
        "CAST({exact} AS DECIMAL(12,1))",
        "CASE WHEN {truth} THEN {exact} ELSE 0.5 END",
        "GREATEST({exact}, {exact})",
        "MOD({exact}, {p})",
        "NULLIF({exact}, 0.5)",
    ],
    FLOAT: [
        "({float} + {float})",
        "({float} * {exact})",
        "({float} / {p})",
        "ABS({float})",
        "ROUND({float}, {n})",
        "SQRT(ABS({float}))",
        "POWER({float}, 2)",
        "NVL({float}, 1)",
        "EXP(SIGN({float}))",
        "CAST({exact} AS DOUBLE PRECISION)",
    ],
    TEXT: [
        "({text} || {text})",
        "UPPER({text})",
        "LOWER({text})",
        "LEFT({text}, {n})",
        "RIGHT({text}, {n})",
        "SUBSTRING({text}, {p}, {p})",
        "REPLACE({text}, 'a', 'zz')",
        "TRIM({text})",
        "LTRIM({text})",
        "RTRIM({text})",
        "LPAD({text}, 12, '*')",
        "RPAD({text}, 5, 'x')",
        "REVERSE({text})",
        "SPLIT_PART({text}, '-', {p})",
        "CONCAT({text}, {text})",
        "NVL({text}, 'none')",
        "CAST({whole} AS VARCHAR(30))",
        "REPEAT({text}, 2)",
        "CASE WHEN {truth} THEN {text} ELSE 'no' END",
        "REGEXP_REPLACE({text}, '[a-c]', '_')",
        "INITCAP({text})",
        "TO_CHAR({moment}, 'YYYY-MM-DD HH24:MI')",
        "CAST({day} AS VARCHAR(30))",
        "TRANSLATE({text}, 'ab', 'xy')",
        "REGEXP_SUBSTR({text}, '[a-z]+')",
        "CAST({text} AS VARCHAR(3))",
        "MD5({text})",
    ],
    DAY: [
        "LAST_DAY({day})",
        "TRUNC({moment})",
        "({day} + {n})",
        "CAST({moment} AS DATE)",
        "NVL({day}, DATE '2024-01-01')",
        "GREATEST({day}, {day})",
    ],
    MOMENT: [
        "DATEADD({unit}, {n}, {moment})",
        "DATE_TRUNC('{unit}', {moment})",
        "DATEADD(day, {n}, {day})",
        "ADD_MONTHS({moment}, {n})",
        "CAST({day} AS TIMESTAMP)",
        "NVL({moment}, TIMESTAMP '2024-01-01 00:00:00')",
    ],
    TRUTH: [
        "({truth} AND {truth})",
        "({truth} OR {truth})",
        "(NOT {truth})",
        "({whole} > {whole})",
        "({exact} = {exact})",
        "({text} < {text})",
        "({day} <= {day})",
        "({whole} BETWEEN {n} AND 50)",
        "({text} IN ('gamma', 'ab'))",
        "({whole} IS NULL)",
        "({text} LIKE 'a%')",
        "({moment} > {moment})",
        "({text} SIMILAR TO '%(a|b)%')",
    ],
}
AGGREGATES: dict[str, list[str]] = {
    WHOLE: [
        "COUNT(*)",
        "COUNT({whole})",
        "COUNT(DISTINCT {text})",
        "SUM({whole})",
        "MIN({whole})",
        "AVG({whole})",
    ],
    EXACT: ["SUM({exact})", "AVG({exact})", "MAX({exact})"],
    FLOAT: ["SUM({float})", "AVG({float})"],
    TEXT: ["MAX({text})", "LISTAGG({text}, ',') WITHIN GROUP (ORDER BY i, s)"],
    DAY: ["MIN({day})"],
    MOMENT: ["MAX({moment})"],
    TRUTH: ["BOOL_OR({truth})"],
}


@dataclass
class Maker:
    """Makes random expressions."""

    chance: random.Random

    def value(self, kind: str, depth: int, rules: dict[str, list[str]] = RULES) -> str:
        """An expression of a kind."""
        if depth <= 0 or (rules is RULES and self.chance.random() < 0.15):
            return self.chance.choice(LEAVES[kind])
        form = self.chance.choice(rules[kind])
        for inner in LEAVES:
            while f"{{{inner}}}" in form:
                form = form.replace(f"{{{inner}}}", self.value(inner, depth - 1), 1)
        while "{unit}" in form:
            form = form.replace("{unit}", self.chance.choice(UNITS), 1)
        while "{n}" in form:
            form = form.replace("{n}", str(self.chance.randrange(0, 5)), 1)
        while "{p}" in form:
            form = form.replace("{p}", str(self.chance.randrange(1, 9)), 1)
        return form

    def query(self) -> str:
        """A SELECT with one value in each row: plain, grouped, or over a subquery."""
        kind = self.chance.choice(list(LEAVES))
        depth = self.chance.choice([1, 1, 2, 2, 3])
        shape = self.chance.random()
        if shape < 0.65:
            return f"SELECT k, i, {self.value(kind, depth)} AS v FROM t ORDER BY k, i"
        if shape < 0.9:
            value = self.value(kind, depth, AGGREGATES)
            return f"SELECT k, 0 AS i, {value} AS v FROM t GROUP BY k ORDER BY k"
        inner, outer = self.value(kind, 1), self.chance.choice(["v", "COUNT(*)", "MAX(v)"])
        group = " GROUP BY k, v" if outer == "v" else " GROUP BY k"
        source = f"(SELECT k, {inner} AS v FROM t) AS u"
        return f"SELECT k, 0 AS i, {outer} AS w FROM {source}{group} ORDER BY 1, 3"


def fill(run: Callable[[str], object], types: dict[str, str]) -> None:
    """Make the table in a database."""
    columns = ", ".join(f'"{name}" {type_}' for name, type_ in types.items())
    run(f"CREATE TABLE t ({columns})")
    for row in ROWS:
        run(f"INSERT INTO t VALUES {literal(row)}")


def alike(one: Any, other: Any) -> bool:
    """Whether two values say the same; doubles may differ in their last digits."""
    if isinstance(one, float) or isinstance(other, float):
        return (
            one is not None
            and other is not None
            and isclose(float(one), float(other), rel_tol=1e-3)
        )
    if isinstance(one, int | Decimal) and isinstance(other, int | Decimal):
        # The stand-in gives a quotient with more digits than Redshift, whose scale is ours.
        return Decimal(one) == Decimal(other) or isclose(one, other, rel_tol=1e-3, abs_tol=1e-3)
    if isinstance(one, str) and isinstance(other, str):
        return one == other or one == other.rstrip(" ")  # PostgreSQL pads a CHAR
    if isinstance(one, date | datetime) or isinstance(other, date | datetime):
        return str(one) == str(other)
    return bool(one == other)


def differences(count: int, seed: int, embedded: Any, cluster: Any) -> Iterator[str]:
    """What random queries give that is not the same on both."""
    maker = Maker(random.Random(seed))
    types = {name: ColumnType.parse(type_).duckdb for name, type_ in COLUMNS.items()}
    for _ in range(count):
        sql = maker.query()
        try:
            translated = translate(sql, {"t": types})
        except PlanError:
            continue
        ours, ours_failed = rows(embedded, translated)
        theirs, theirs_failed = rows(cluster, sql)
        if "the stand-in of Redshift has no" in theirs_failed:
            continue
        if ours_failed and theirs_failed:
            continue
        if ours_failed or theirs_failed:
            gave = f"DuckDB:   {ours_failed or ours}\n    stand-in: {theirs_failed or theirs}"
            yield f"{sql}\n    {gave}"
        elif len(ours) != len(theirs) or not all(
            alike(a, b)
            for one, two in zip(ours, theirs, strict=True)
            for a, b in zip(one, two, strict=True)
        ):
            yield f"{sql}\n    DuckDB:   {ours}\n    stand-in: {theirs}"


def rows(session: Any, sql: str) -> tuple[list[Any], str]:
    """The rows of a query, and why it failed, if it did."""
    try:
        session.execute(sql)
        return list(session.fetchall()), ""
    except (duckdb.Error, psycopg2.Error) as error:
        return [], str(error).split("\n")[0][:150]


def main() -> None:
    """Try random queries, print what differs."""
    given = [int(argument) for argument in sys.argv[1:3]]
    count, seed = (given + [2_000, 0][len(given) :])[:2]
    with tempfile.TemporaryDirectory(prefix="etl-dev-") as folder:
        Path(folder).chmod(0o755)
        stack = Stack(Path(folder))
        stack.start()
        try:
            with (
                closing(connected(stack)) as connection,
                duckdb.connect(config=config()) as embedded,
            ):
                cluster = connection.cursor()
                prepare(embedded, cluster)
                found = list(differences(count, seed, embedded, cluster))
        finally:
            stack.stop()
    print("\n".join(found))
    print(f"{count:,} queries: {len(found)} differences")
    sys.exit(1 if found else 0)


def connected(stack: Stack) -> Any:
    """A connection to the stand-in."""
    known = stack.variables
    connection = psycopg2.connect(
        host=known["ETL_DEV_REDSHIFT_HOST"], port=known["ETL_DEV_REDSHIFT_PORT"], dbname="dev",
        user=known["ETL_DEV_REDSHIFT_USER"], password=known["ETL_DEV_REDSHIFT_PASSWORD"],
        sslmode="verify-full", sslrootcert=known["ETL_DEV_AUTHORITY"],
    )  # fmt: skip
    connection.autocommit = True
    return connection


def prepare(embedded: Any, cluster: Any) -> None:
    """Make the table on both."""
    embedded.execute("SET TimeZone = 'UTC'")
    cluster.execute("SET TIME ZONE 'UTC'")
    fill(
        embedded.execute, {name: ColumnType.parse(type_).duckdb for name, type_ in COLUMNS.items()}
    )
    fill(cluster.execute, COLUMNS)


if __name__ == "__main__":
    main()
