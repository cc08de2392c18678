"""Run the unit tests of a pipeline's SQL: given rows in, expected rows compared, nothing stored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from etl_framework.errors import EtlError, StepError
from etl_framework.plan.compile import Compilation, compile_queries
from etl_framework.plan.fixtures import as_select
from etl_framework.project.project import PipelineFile
from etl_framework.project.sql_tests import SqlTest
from etl_framework.sql.planner import scratch
from etl_framework.sql.quote import names
from etl_framework.workbench.rows import Difference, differences
from etl_framework.workbench.sandbox import Rows, Sandbox, compiled_definitions

if TYPE_CHECKING:
    import duckdb


@dataclass(frozen=True)
class Verdict:
    """How a test went.

    :param place: path, line, column.
    :param columns: what was compared, of a test that failed.
    :param error: why the SQL could not be run, if it could not.
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


def run_tests(root: Path, found: PipelineFile, relation: str | None = None) -> Iterator[Verdict]:
    """Run the tests of a pipeline, or of one relation; the file is taken to be clean.

    :param root: the project's folder.
    """
    pipeline = found.model
    if pipeline is None:
        return
    compilations: dict[date | None, Compilation] = {}
    for name, query in pipeline.queries().items():
        if relation not in (None, name):
            continue
        for index, test in enumerate(query.tests):
            if test.date not in compilations:
                interval = pipeline.some_interval(test.date)
                compilations[test.date] = compile_queries(root, found, interval)
            place = found.file.place((*found.relations[name].keys, "tests", index))
            yield _verdict(root, found, compilations[test.date], name, test, place)


def _verdict(
    root: Path,
    found: PipelineFile,
    compilation: Compilation,
    relation: str,
    test: SqlTest,
    place: tuple[int, int],
) -> Verdict:
    """Run one test in a session of its own."""
    started = time.monotonic()
    pipeline = found.relations[relation].pipeline
    columns: list[str] = []
    different: list[Difference] = []
    error = ""
    with closing(scratch(pipeline.timezone)) as session:
        definitions = compiled_definitions(compilation, found.relations)
        sandbox = Sandbox(session, definitions, _given(compilation, test), root)
        try:
            sandbox.make(relation)
            columns, different = _compared(
                session, sandbox.table(relation), test, dict(compilation.shapes[relation] or ())
            )
        except EtlError as problem:
            error = "\n".join(diagnostic.message for diagnostic in problem.diagnostics)
    seconds = time.monotonic() - started
    about = (pipeline.name, relation, test.name, (found.file.path, *place), seconds)
    return Verdict(*about, columns, different, error)


def _given(compilation: Compilation, test: SqlTest) -> Rows:
    """The rows that a test gives; a source that it gives none is empty."""

    def rows(name: str) -> str | None:
        if name in test.given or name not in compilation.queries:
            columns = dict(compilation.shapes[name] or ())
            return as_select(columns, test.given.get(name, []))
        return None

    return rows


def _compared(
    session: duckdb.DuckDBPyConnection, table: str, test: SqlTest, types: dict[str, str]
) -> tuple[list[str], list[Difference]]:
    """The columns that are compared, and what differs in them from what the test expects.

    :raises StepError: the result cannot be computed.
    """
    import duckdb

    # Spelled as the result does, whatever the test's upper and lower case.
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
