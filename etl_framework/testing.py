"""Run the unit tests of a pipeline's SQL: given rows in, expected rows compared, nothing stored."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any

from etl_framework.config.models import Pipeline, Transform
from etl_framework.config.project import PipelineFile
from etl_framework.config.sql_tests import SqlTest
from etl_framework.engines.duckdb.transform import contracted, tables
from etl_framework.errors import Diagnostic, EtlError
from etl_framework.fixtures import as_select
from etl_framework.queries import Compilation, compile_queries
from etl_framework.rows import Difference, differences
from etl_framework.sql.planner import scratch
from etl_framework.sql.quote import names, quote

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
            trial = _Trial(root, pipeline, compilations[test.date], name, test)
            yield trial.verdict((found.file.path, *place))


class _Trial:
    """One test in a session of its own."""

    def __init__(
        self,
        root: Path,
        pipeline: Pipeline,
        compilation: Compilation,
        relation: str,
        test: SqlTest,
    ) -> None:
        self._root = root
        self._pipeline = pipeline
        self._compilation = compilation
        self._relation = relation
        self._test = test
        self._made: set[str] = set()

    def verdict(self, place: tuple[str, int, int]) -> Verdict:
        """Run the test."""
        import duckdb

        started = time.monotonic()
        session = scratch(self._pipeline.timezone)
        columns: list[str] = []
        different: list[Difference] = []
        error = ""
        try:
            columns, different = self._compare(session)
        except EtlError as problem:
            error = _messages(problem.diagnostics)
        except duckdb.Error as problem:
            text = str(problem).split("\n")[0]
            error = text.partition("etl: ")[2] or text
        finally:
            session.close()
        seconds = time.monotonic() - started
        about = (self._pipeline.name, self._relation, self._test.name, place, seconds)
        return Verdict(*about, columns, different, error)

    def _compare(self, session: duckdb.DuckDBPyConnection) -> tuple[list[str], list[Difference]]:
        self._make(session, self._relation)
        types = dict(self._compilation.shapes[self._relation] or ())
        # Spelled as the result does, whatever the test's upper and lower case.
        wanted = {column.lower() for column in self._test.expected_columns()}
        columns = [column for column in types if column.lower() in wanted] or list(types)
        result = f"SELECT {names(columns)} FROM {quote(self._relation)}"
        found = session.execute(result).fetchall()
        compared = {column: types[column] for column in columns}
        expected = session.execute(as_select(compared, self._test.expect)).fetchall()
        return columns, differences(expected, found)

    def _make(self, session: duckdb.DuckDBPyConnection, name: str) -> None:
        """The table of a relation: given, or computed, or an empty source."""
        if name in self._made:
            return
        self._made.add(name)
        block = self._pipeline.relations()[name]
        compiled = self._compilation.queries.get(name)
        table: Any = None
        if name in self._test.given or compiled is None:
            columns = dict(self._compilation.shapes[name] or ())
            sql = as_select(columns, self._test.given.get(name, []))
        else:
            for need in compiled.inputs:
                self._make(session, need)
            sql = contracted(name, compiled.sql, block.columns)
            if isinstance(block, Transform) and block.python:
                import pyarrow as pa

                table = pa.concat_tables(tables(self._root, session, block))
                session.register("etl_returned", table)
                sql = "SELECT * FROM etl_returned"
        session.execute(f"CREATE TEMP TABLE {quote(name)} AS {sql}")


def _messages(found: Sequence[Diagnostic]) -> str:
    return "\n".join(each.message for each in found)
