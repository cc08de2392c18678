"""Rules about the unit tests of SQL: their relations and columns exist, their values fit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import Checked, Rule
from etl_framework.plan.compilation import Shape
from etl_framework.plan.fixtures import misfits
from etl_framework.plan.reads import all_histories
from etl_framework.project.project import Project
from etl_framework.project.relation import relations_of
from etl_framework.project.sql_tests import Row, SqlTest
from etl_framework.project.window import THIS


class Fixtures(Rule):
    """A test names inputs and columns that exist, and values of their types."""

    codes = ("E311", "E312", "E313")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for relation in relations_of(checked.pipeline, checked.pipeline_file.file):
                for index, test in enumerate(getattr(relation.block, "tests", ())):
                    keys = (*relation.keys, "tests", index)
                    yield from self._test(checked, keys, relation.name, test)

    def _test(
        self, checked: Checked, keys: tuple[str | int, ...], name: str, test: SqlTest
    ) -> Iterator[Diagnostic]:
        shapes = checked.compilation.shapes
        versions = all_histories(checked.pipeline_file.relations)
        inputs = set(checked.compilation.upstream(name))
        own = {THIS: name} if THIS in getattr(checked.pipeline.queries()[name], "reads", {}) else {}
        for given, rows in test.given.items():
            where = (*keys, "given", given)
            if given in inputs or given in own:
                of = own.get(given, given)
                yield from self._rows(
                    checked, where, rows, versions.get(of) or shapes.get(of), given
                )
            elif (
                _all_known(checked, {name, *inputs}) and given not in checked.pipeline_file.broken()
            ):
                message = f"'{name}' does not read '{given}', nor does any of its inputs"
                hint = did_you_mean(given, inputs)
                yield checked.pipeline_file.file.diagnostic(
                    where, "E312", message, hint, of_key=True
                )
        yield from self._rows(checked, (*keys, "expect"), test.expect, shapes.get(name), name)

    def _rows(
        self,
        checked: Checked,
        keys: tuple[str | int, ...],
        rows: list[Row],
        shape: Shape,
        relation: str,
    ) -> Iterator[Diagnostic]:
        if shape is None:
            return
        file, columns = checked.pipeline_file.file, dict(shape)
        for index, row in enumerate(rows):
            for column in _unknown(row, columns):
                message = f"'{relation}' has no column '{column}'"
                where, hint = (*keys, index, column), did_you_mean(column, columns)
                yield file.diagnostic(where, "E311", message, hint, of_key=True)
        for index, column, problem in misfits(columns, rows):
            yield file.diagnostic((*keys, index, column), "E313", problem)


def _unknown(row: Row, columns: Mapping[str, str]) -> list[str]:
    known = {column.lower() for column in columns}
    return [column for column in row if column.lower() not in known]


def _all_known(checked: Checked, names: set[str]) -> bool:
    """Return whether it is known what all these relations read; a misspelt name may be any."""
    compilation, sources = checked.compilation, checked.pipeline.sources
    misspelt = any(diagnostic.code == "E411" for diagnostic in compilation.diagnostics)
    return not misspelt and all(name in compilation.queries or name in sources for name in names)
