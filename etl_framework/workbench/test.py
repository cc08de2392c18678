"""Run the unit tests of a pipeline's SQL: compute with given rows, compare with expected rows."""

from __future__ import annotations

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.errors import EtlError, StepError
from etl_framework.plan.compilation import Compilation, Shape
from etl_framework.plan.compile import compile_queries
from etl_framework.plan.fixtures import as_select
from etl_framework.plan.reads import EARLIER, all_histories
from etl_framework.project.project import PipelineFile
from etl_framework.project.sql_tests import SqlTest
from etl_framework.project.window import THIS
from etl_framework.sql.planner import scratch
from etl_framework.sql.quote import names
from etl_framework.workbench.rows import Difference, differences
from etl_framework.workbench.sandbox import Rows, Sandbox, compiled_definitions

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Verdict:
    """The result of a test.

    :param place: path, line and column of the test.
    :param columns: the columns that were compared; empty if the SQL failed.
    :param error: why the SQL failed; empty if it did not.
    """

    pipeline: str
    relation: str
    test: str
    place: tuple[str, int, int]
    seconds: float
    columns: Sequence[str] = ()
    differences: Sequence[Difference] = ()
    error: str = ""

    @property
    def passed(self) -> bool:
        """Whether the result was as expected."""
        return not self.differences and not self.error


def run_tests(
    root: Path, pipeline_file: PipelineFile, relations: Collection[str] | None = None
) -> Iterator[Verdict]:
    """Run the tests of a pipeline, or of some of its relations.

    :param root: the project's folder.
    :param pipeline_file: a file without errors.
    """
    pipeline = pipeline_file.model
    if pipeline is None:
        return
    compilations: dict[date | None, Compilation] = {}
    for name, query in pipeline.queries().items():
        if relations is not None and name not in relations:
            continue
        for index, test in enumerate(query.tests):
            if test.date not in compilations:
                interval = pipeline.some_interval(test.date)
                compilations[test.date] = compile_queries(root, pipeline_file, interval)
            place = pipeline_file.file.where((*pipeline_file.relations[name].keys, "tests", index))
            yield _verdict(root, pipeline_file, compilations[test.date], name, test, place)


def _verdict(
    root: Path,
    pipeline_file: PipelineFile,
    compilation: Compilation,
    relation: str,
    test: SqlTest,
    place: tuple[str, int, int],
) -> Verdict:
    """Run one test in a session of its own."""
    started = time.monotonic()
    pipeline = pipeline_file.relations[relation].pipeline
    columns: list[str] = []
    different: list[Difference] = []
    error = ""
    with closing(scratch(pipeline.timezone)) as session:
        definitions = compiled_definitions(compilation, pipeline_file.relations)
        versions = all_histories(pipeline_file.relations)
        given = _given(compilation, relation, test, versions)
        sandbox = Sandbox(session, definitions, given, root)
        try:
            sandbox.make(relation)
            columns, different = _compared(
                session, sandbox.table(relation), test, dict(compilation.shapes[relation] or ())
            )
        except EtlError as problem:
            error = "\n".join(diagnostic.message for diagnostic in problem.diagnostics)
    seconds = time.monotonic() - started
    about = (pipeline.name, relation, test.name, place, seconds)
    return Verdict(*about, columns, different, error)


def _given(
    compilation: Compilation, relation: str, test: SqlTest, versions: Mapping[str, Shape]
) -> Rows:
    """Return a function that gives a test's rows; a source without given rows is empty.

    So is a KPI's own table, and a history.

    :param versions: the columns of the histories that the pipeline reads.
    """

    def rows(name: str) -> str | None:
        if name.startswith(EARLIER):
            kpi = name.removeprefix(EARLIER)
            if kpi in versions:
                return as_select(dict(versions[kpi] or ()), test.given.get(kpi, []))
            own = test.given.get(THIS, []) if kpi == relation else []
            return as_select(dict(compilation.shapes[kpi] or ()), own)
        if name in test.given or name not in compilation.queries:
            columns = dict(compilation.shapes[name] or ())
            return as_select(columns, test.given.get(name, []))
        return None

    return rows


def _compared(
    session: duckdb.DuckDBPyConnection, table: str, test: SqlTest, types: dict[str, str]
) -> tuple[list[str], list[Difference]]:
    """Return the columns that are compared, and the rows that differ from the expected ones.

    :raises StepError: the result cannot be computed.
    """
    import duckdb

    # The test may write names in another case than the result; take the result's names.
    wanted = {column.lower() for column in test.expected_columns()}
    columns = [column for column in types if column.lower() in wanted] or list(types)
    try:
        rows = session.execute(f"SELECT {names(columns)} FROM {table}").fetchall()
    except duckdb.Error as error:
        text = str(error).split("\n")[0]
        raise StepError(text.partition("etl: ")[2] or text) from error
    compared = {column: types[column] for column in columns}
    expected = session.execute(as_select(compared, test.expect)).fetchall()
    return columns, differences(expected, rows)
