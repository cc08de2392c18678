"""What each kind of step does, apart from publishing: read, check, transform."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.checks.base import Check, CheckResult, RowCheck, TableCheck
from etl_framework.columns import Column
from etl_framework.config.models import Kpi, Transform
from etl_framework.engines.duckdb import DuckDBEngine, see, write
from etl_framework.errors import CheckFailedError, Diagnostic, StepError
from etl_framework.plan import Plan, Step
from etl_framework.sources.base import Extraction, Source
from etl_framework.sql.dialect import transpile_condition
from etl_framework.sql.quote import literal, quote
from etl_framework.storage.staging import RunFolder, StepFolder

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Work:
    """One step about to be done.

    :param inputs: the Parquet files of each relation that the step reads.
    :param on_cancel: takes a function that stops what is running, for Ctrl-C.
    """

    plan: Plan
    step: Step
    run: RunFolder
    engine: DuckDBEngine
    session: duckdb.DuckDBPyConnection
    inputs: dict[str, list[str]]
    on_cancel: Callable[[Callable[[], Any]], None]

    @property
    def folder(self) -> StepFolder:
        """Where the step leaves its output."""
        return self.run.step(self.step.name)


@dataclass(frozen=True)
class Outcome:
    """What a step did: counts by name, results of checks, the files of its relation."""

    counts: dict[str, int] = field(default_factory=dict)
    checks: tuple[CheckResult, ...] = ()
    files: tuple[str, ...] = ()


def extract(work: Work) -> Outcome:
    """Read a source.

    :raises StepError: more rows were rejected than the source allows.
    """
    source = work.step.block
    if not isinstance(source, Source):
        raise TypeError(f"{work.step.name} is not a source")
    extracted = source.extract(extraction(work))
    _within_limit(work.step, source, extracted.rejected, extracted.read)
    counts = {"read": extracted.read, "kept": extracted.kept, "rejected": extracted.rejected}
    return Outcome(counts, files=tuple(work.folder.files("data")))


def extraction(work: Work) -> Extraction:
    """What the source of a step gets to do its work."""
    source = work.step.block
    if not isinstance(source, Source):
        raise TypeError(f"{work.step.name} is not a source")
    return Extraction(
        source=work.step.relation,
        interval=work.plan.interval,
        connection=work.plan.environment.connections[source.connection],
        root=work.plan.root,
        folder=work.folder,
        session=work.session,
        on_cancel=work.on_cancel,
    )


def _within_limit(step: Step, source: Source, rejected: int, read: int) -> None:
    if source.max_rejected.exceeded(rejected, read):
        raise CheckFailedError(
            f"{rejected:,} of {read:,} rows of '{step.relation}' were rejected, "
            f"more than max_rejected ({source.max_rejected})",
            hint=f"look at them with: etl show quarantine.{step.relation}",
        )


def check(work: Work) -> Outcome:
    """Run all checks of a relation; row checks in one scan, then table checks on the rows kept.

    :raises CheckFailedError: rows broke a rule of severity error; every such rule is named.
    """
    relation, step = work.step.relation, work.step
    for name, files in work.inputs.items():
        see(work.session, name, files)
    row_checks = [found for found in step.checks if isinstance(found, RowCheck)]
    rows, failing = _scan(work, row_checks)
    results = [
        CheckResult(found.label, relation, found.judge(count, rows), count, rows)
        for found, count in zip(row_checks, failing, strict=True)
    ]
    rejects = [
        (found, result)
        for found, result in zip(row_checks, results, strict=True)
        if found.on_fail == "quarantine" and result.failing
    ]
    files, kept = work.inputs[relation], rows
    if rejects:
        kept = _quarantine(work, [found for found, _ in rejects])
        files = work.folder.files("data")
        see(work.session, relation, files)
    table_checks = [found for found in step.checks if isinstance(found, TableCheck)]
    results += [_table_check(work, found, kept) for found in table_checks]
    # In the order of the file, whichever way they ran.
    by_check = dict(zip(map(id, [*row_checks, *table_checks]), results, strict=True))
    results = [by_check[id(found)] for found in step.checks]
    _stop_on_failure(step, results)
    if isinstance(step.block, Source):
        extracted = (work.run.step(f"extract.{relation}").result() or {}).get("counts", {})
        read = extracted.get("read", rows)
        _within_limit(step, step.block, read - kept, read)
    return Outcome(
        {"rows": rows, "kept": kept, "quarantined": rows - kept}, tuple(results), tuple(files)
    )


def _predicate(found: RowCheck) -> str:
    return transpile_condition(found.predicate(), to="duckdb")


def _scan(work: Work, checks: Sequence[RowCheck]) -> tuple[int, list[int]]:
    """How many rows there are, and how many break each check: one pass."""
    relation = quote(work.step.relation)
    flags = ", ".join(f"{_predicate(found)} AS f{i}" for i, found in enumerate(checks))
    counts = "".join(f", count(*) FILTER (f{i})" for i in range(len(checks)))
    source = f"(SELECT {flags} FROM {relation})" if checks else relation
    row = work.session.execute(f"SELECT count(*){counts} FROM {source}").fetchone() or (0,)
    return row[0], list(row[1:])


def _quarantine(work: Work, checks: Sequence[RowCheck]) -> int:
    """Split the relation: rows that keep every rule; others with the first one they broke."""
    relation = quote(work.step.relation)
    predicates = [_predicate(found) for found in checks]
    broken = " OR ".join(f"({predicate})" for predicate in predicates)
    kept = write(
        work.session,
        f"SELECT * FROM {relation} WHERE ({broken}) IS NOT TRUE",
        work.folder.part("data"),
    )
    cases = " ".join(
        f"WHEN {predicate} THEN {literal(found.label)}"
        for found, predicate in zip(checks, predicates, strict=True)
    )
    write(
        work.session,
        f"SELECT {literal(work.step.relation)} AS source, rule, CAST(NULL AS VARCHAR) AS file, "
        'CAST(NULL AS BIGINT) AS line, CAST(NULL AS INTEGER) AS "column", '
        "CAST(NULL AS VARCHAR) AS name, 'breaks the check ' || rule AS reason, \"row\" FROM "
        f'(SELECT CASE {cases} END AS rule, CAST(to_json(r) AS VARCHAR) AS "row" '
        f"FROM {relation} AS r WHERE {broken})",
        work.folder.part("rejected"),
    )
    return kept


def _table_check(work: Work, found: TableCheck, rows: int) -> CheckResult:
    relation = quote(work.step.relation)
    if found.where:
        relation = (
            f"(SELECT * FROM {relation} WHERE {transpile_condition(found.where, to='duckdb')})"
        )
    row = work.session.execute(found.failing_rows(f"{relation} AS checked")).fetchone() or (0,)
    failing = int(row[0])
    return CheckResult(found.label, work.step.relation, found.judge(failing, rows), failing, rows)


def _stop_on_failure(step: Step, results: Sequence[CheckResult]) -> None:
    if any(result.status == "fail" for result in results):
        problems = [
            Diagnostic(
                *place,
                CheckFailedError.code,
                f"check '{result.check}' of '{result.relation}' failed: "
                f"{result.failing:,} of {result.rows:,} rows",
                "nothing was published",
            )
            for result, place in zip(results, step.check_places, strict=True)
            if result.status == "fail"
        ]
        raise CheckFailedError(problems, checks=tuple(results))


def transform(work: Work) -> Outcome:
    """Make a transform's or KPI's relation, with exactly the columns and types that it declares."""
    for name, files in work.inputs.items():
        see(work.session, name, files)
    block = work.step.block
    if isinstance(block, Transform) and block.python:
        rows = _run_python(work, block)
    else:
        columns = block.columns if isinstance(block, Kpi | Transform) else []
        sql = _contracted(work.step, columns) if columns else work.step.sql
        rows = write(work.session, sql, work.folder.part("data"))
    return Outcome({"rows": rows}, files=tuple(work.folder.files("data")))


def _contracted(step: Step, columns: Sequence[Column]) -> str:
    """The query with each column cast to its declared type; a text that is too long is an error."""
    values = []
    for column in columns:
        name = quote(column.name)
        value = f"CAST({name} AS {column.type.duckdb})"
        if column.type.family == "text":
            limit = column.type.arguments[0]
            message = f"etl: {step.relation}.{column.name} is longer than {column.type}"
            refuse = f"error({literal(message)})"
            value = f"CASE WHEN strlen({value}) > {limit} THEN {refuse} ELSE {value} END"
        values.append(f"{value} AS {name}")
    return f"SELECT {', '.join(values)} FROM ({step.sql})"


def _run_python(work: Work, block: Transform) -> int:
    """Call the function with DataFrames of its inputs, and write what it returns.

    :raises StepError: it cannot be imported, raises, or returns other columns than declared.
    """
    import pyarrow as pa
    import pyarrow.parquet as parquet

    function = _function(work.plan.root, str(block.python))
    schema = pa.schema([(column.name, column.type.arrow()) for column in block.columns])
    rows = 0
    with parquet.ParquetWriter(work.folder.part("data") / "0.parquet", schema) as file:
        for frames in _frames(work, block):
            try:
                result = function(**frames, **block.params)
                table = pa.Table.from_pandas(result, schema=schema, preserve_index=False)
            except Exception as error:
                kind = type(error).__name__
                raise StepError(f"{block.python} failed: {kind}: {error}") from error
            file.write_table(table)
            rows += table.num_rows
    return rows


def _frames(work: Work, block: Transform) -> Iterator[dict[str, Any]]:
    """The inputs as DataFrames of exact Arrow types: all at once, or a chunk at a time."""
    import pandas as pd

    def frame(batch: Any) -> Any:
        return batch.to_pandas(types_mapper=pd.ArrowDtype)

    if not block.chunk_rows:
        yield {
            name: frame(work.session.execute(f"SELECT * FROM {quote(name)}").to_arrow_table())
            for name in block.inputs
        }
        return
    (name,) = block.inputs
    rows = work.session.execute(f"SELECT * FROM {quote(name)}")
    for batch in rows.to_arrow_reader(block.chunk_rows) or ():
        yield {name: frame(batch)}


def _function(root: Path, reference: str) -> Callable[..., Any]:
    module, _, name = reference.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        return getattr(importlib.import_module(module), name)  # type: ignore[no-any-return]
    except (ImportError, AttributeError) as error:
        raise StepError(
            f"the function {reference} cannot be imported: {error}",
            hint="it is looked for from the project's folder",
        ) from error


DO: dict[str, Callable[[Work], Outcome]] = {
    "extract": extract,
    "check": check,
    "transform": transform,
    "kpi": transform,
}

__all__ = ["DO", "Check", "Outcome", "Work", "extraction"]
