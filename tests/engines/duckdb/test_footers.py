"""What footers save gives what looking at every row gives."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from etl_framework.checks.accepted_range import AcceptedRange
from etl_framework.checks.accepted_values import AcceptedValues
from etl_framework.checks.base import RowCheck
from etl_framework.checks.length import Length
from etl_framework.checks.not_null import NotNull
from etl_framework.checks.null_rate import NullRate
from etl_framework.checks.pattern import Pattern
from etl_framework.columns import Column, ColumnType
from etl_framework.engines.duckdb import footers
from etl_framework.engines.duckdb.engine import DuckDBEngine
from etl_framework.engines.duckdb.examples import examples
from etl_framework.engines.duckdb.scan import scan
from etl_framework.engines.duckdb.session import Database
from etl_framework.engines.work import Work
from etl_framework.plan.step import CheckSql, RowRule, Step
from etl_framework.storage.parquet import arrow_writer, see, write_parquet
from tests.conftest import Folder

NAN = float("nan")
COLUMNS = {
    "i": "integer", "n": "decimal(38,6)", "f": "double precision", "d": "date", "m": "timestamp",
    "z": "timestamptz", "w": "varchar(200)",
}  # fmt: skip
MOMENTS = [datetime(1, 1, 1), datetime(1969, 12, 31, 23, 59, 59, 999999), datetime(2024, 6, 25)]
VALUES: dict[str, list[Any]] = {
    "i": [-(2**31), -1, 0, 1, 9, 2**31 - 1],
    "n": [Decimal("-" + "9" * 32 + ".999999"), Decimal("0.000001"), Decimal(0), Decimal(9)],
    "f": [NAN, float("inf"), float("-inf"), -0.0, 0.0, 0.1, 9.0],
    "d": [date(1, 1, 1), date(1969, 12, 31), date(2024, 6, 25), date(9999, 12, 31)],
    "m": MOMENTS,
    "z": [moment.replace(tzinfo=UTC) for moment in MOMENTS],
    "w": ["", "a", "A", "\U0001f600", "é" * 40, "x" * 70 + "a", "x" * 70 + "b"],
}
BOUNDS: dict[str, list[Any]] = {
    "i": [-1, 0, 0.5, 9, 2**31], "n": [-1, 0, 0.000001, 8.999999, 10], "f": [-1, 0, 0.1, 8, 100],
    "d": [date(1969, 12, 31), date(2024, 6, 26)], "m": [*MOMENTS, date(2024, 6, 25)], "z": MOMENTS,
}  # fmt: skip
Row = tuple[Any, ...]


def ranges() -> Iterator[RowCheck]:
    for column, bounds in BOUNDS.items():
        for bound in bounds:
            yield AcceptedRange(type="accepted_range", column=column, min=bound)
            yield AcceptedRange(type="accepted_range", column=column, max=bound)


CHECKS: list[RowCheck] = [
    *ranges(),
    *(NotNull(type="not_null", columns=[name]) for name in COLUMNS),
    NotNull(type="not_null", columns=["i", "w"]),
    NotNull(type="not_null", columns=["i"], where="f > 0"),
    NullRate(type="null_rate", column="w", max="10%"),
    Pattern(type="pattern", column="w", pattern="^[a-z]*$"),
    Length(type="length", column="w", min=1, max=70),
    AcceptedValues(type="accepted_values", column="w", values=["a", "A"]),
    AcceptedRange(type="accepted_range", column="i", max=0, where="w IS NOT NULL"),
]


def rule(check: RowCheck) -> RowRule:
    """A check as the plan gives it to the engine."""
    types = {name: ColumnType.parse(type_).duckdb for name, type_ in COLUMNS.items()}
    where, violation = (
        DuckDBEngine().condition(sql, "t", types) if sql else ""
        for sql in (check.where, check.violation())
    )
    return RowRule(check, CheckSql("", where, violation))


RULES = [rule(check) for check in CHECKS]
PARTS = st.lists(
    st.lists(
        st.tuples(*(st.none() | st.sampled_from(values) for values in VALUES.values())), max_size=30
    ),
    min_size=1, max_size=3,
)  # fmt: skip
FULL: list[Row] = [tuple(values[i % len(values)] for values in VALUES.values()) for i in range(9)]


@pytest.fixture
def session(tmp_path: Path) -> Iterator[duckdb.DuckDBPyConnection]:
    engine = Database("200MB", 2, tmp_path / "spill", "Europe/Berlin", [tmp_path.parent])
    yield engine.session()
    engine.close()


def written(session: duckdb.DuckDBPyConnection, part: list[Row], file: Path, by: str) -> str:
    """Rows as a file, by DuckDB or by Arrow with few rows in each part of it."""
    columns = [Column(name=name, type=type_) for name, type_ in COLUMNS.items()]
    schema = pa.schema([(column.name, column.type.arrow()) for column in columns])
    table = pa.Table.from_pylist([dict(zip(COLUMNS, row, strict=True)) for row in part], schema)
    if by == "arrow":
        with arrow_writer(file, schema) as writer:
            writer.write_table(table, row_group_size=4)
    else:
        with session.cursor() as other:
            other.register("rows", table)
            write_parquet(other, "FROM rows", file, text=True)
    return str(file)


def work(folder: Folder, session: duckdb.DuckDBPyConnection, files: list[str]) -> Work:
    """A check step of the relation `t` in these files."""
    step = Step("check.t", "check", "t")
    made = Work(folder.plan("p"), step, None, "", session, lambda stop: None)  # type: ignore[arg-type]
    vars(made)["inputs"] = {"t": files}
    see(session, "t", files, positions=True)
    return made


@pytest.mark.slow
@pytest.mark.parametrize("by", ["arrow", "duckdb"])
@given(parts=PARTS)
@example(parts=[FULL * 3])
@example(parts=[FULL * 3, []])
@example(parts=[[(None,) * 7] * 5, FULL])
@example(parts=[[(1, Decimal(1), NAN, *FULL[0][3:]), (1, Decimal(1), 1.0, *FULL[0][3:])]])
@settings(
    max_examples=25, deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)  # fmt: skip
def test_counts_and_examples_are_those_of_the_plain_way(
    folder: Folder, session: duckdb.DuckDBPyConnection, by: str, parts: list[list[Row]]
) -> None:
    source = {"type": "csv", "connection": "lake", "path": "x", "columns": [
        {"name": name, "type": type_} for name, type_ in COLUMNS.items()]}  # fmt: skip
    folder.write("pipelines/p.yml", str({"name": "p", "sources": {"t": source}}))
    files = [
        written(session, part, folder.root / f"{i}.parquet", by) for i, part in enumerate(parts)
    ]
    step = work(folder, session, files)
    session.execute("CREATE OR REPLACE TEMP TABLE plain AS FROM t")
    sums = ", ".join(f"count(*) FILTER ({rule.sql.predicate})" for rule in RULES)
    plain = session.execute(f"SELECT count(*), {sums} FROM plain").fetchone() or ()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(footers, "SAMPLE", 2)
        scanned = scan(step, RULES)
    rows, failing = scanned.rows, scanned.failing

    assert (rows, *failing) == plain
    broken = {i: RULES[i].sql.predicate for i, count in enumerate(failing) if count}
    for i, shown in examples(step, broken).items():
        assert len(shown) == min(10, failing[i])
