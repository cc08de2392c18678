"""Rules about checks: their columns, conditions, and the relations they compare with."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.checks.base import Check
from etl_framework.columns import ColumnType
from etl_framework.errors import Diagnostic, PlanError, did_you_mean
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project
from etl_framework.project.relation import relations_of
from etl_framework.sql.conditions import condition_columns, transpile_condition


class Checks(Rule):
    """A check names columns and relations that exist, and its condition parses."""

    codes = ("E308", "E309")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            columns = self._columns(checked)
            for name in checked.pipeline.sources:
                yield from self._source(checked, name)
            for relation in relations_of(checked.pipeline, checked.pipeline_file.file):
                for index, check in enumerate(relation.block.checks):
                    keys, known = (*relation.keys, "checks", index), columns.get(relation.name)
                    yield from self._check(checked, keys, check, known, columns)

    def _source(self, checked: Checked, name: str) -> Iterator[Diagnostic]:
        """Check that the condition of a source parses; its columns are known to the table alone."""
        source, keys = checked.pipeline.sources[name], ("sources", name, "where")
        if condition := getattr(source, "where", None):
            try:
                transpile_condition(condition, to="postgres", read="postgres")
            except PlanError as error:
                yield _unparsed(checked, keys, condition, error)

    def _columns(self, checked: Checked) -> dict[str, list[str] | None]:
        """Return the columns of every relation; None if they are not known."""
        known: dict[str, list[str] | None] = dict.fromkeys(checked.pipeline_file.broken())
        for name, block in checked.pipeline.relations().items():
            declared = [column.name for column in block.columns]
            compiled = checked.compilation.queries.get(name)
            if not declared and compiled and compiled.columns:
                declared = [column for column, _ in compiled.columns]
            known[name] = None if name in checked.pipeline_file.loose() else declared or None
        return known

    def _check(
        self,
        checked: Checked,
        keys: tuple[str | int, ...],
        check: Check,
        columns: list[str] | None,
        relations: dict[str, list[str] | None],
    ) -> Iterator[Diagnostic]:
        file = checked.pipeline_file.file
        for index, column in enumerate(check.checked_columns()):
            if columns is not None and column not in columns:
                where = (*keys, "column") if hasattr(check, "column") else (*keys, "columns", index)
                hint = did_you_mean(column, columns)
                yield file.diagnostic(where, "E308", f"unknown column '{column}'", hint)
        for key, condition in check.conditions().items():
            try:
                named = condition_columns(condition)
            except PlanError as error:
                yield _unparsed(checked, (*keys, key), condition, error)
                named = []
            for reference in named:
                if columns is not None and reference.name not in map(str.lower, columns):
                    place = file.inside((*keys, key), condition, reference.offset)
                    message, hint = (
                        f"unknown column '{reference.name}'",
                        did_you_mean(reference.name, columns),
                    )
                    yield Diagnostic(file.path, *place, "E308", message, hint)
        if not (parent := check.parent()):
            return
        relation, wanted = parent
        if relation not in relations:
            message, hint = f"unknown relation '{relation}'", did_you_mean(relation, relations)
            yield file.diagnostic((*keys, "to"), "E411", message, hint)
            return
        known = relations[relation]
        if wanted is not None and known is not None and wanted not in known:
            message = f"unknown column '{wanted}' in '{relation}'"
            yield file.diagnostic((*keys, "to"), "E308", message, did_you_mean(wanted, known))


def _unparsed(
    checked: Checked, keys: tuple[str | int, ...], condition: str, error: PlanError
) -> Diagnostic:
    file, offset = checked.pipeline_file.file, getattr(error.__cause__, "offset", 0)
    place = file.inside(keys, condition, offset)
    return Diagnostic(file.path, *place, "E309", error.diagnostics[0].message)


class CheckedTypes(Rule):
    """A check is of columns that it can judge: `length` of texts, `freshness` of moments."""

    codes = ("E310",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            for relation in relations_of(checked.pipeline, checked.pipeline_file.file):
                types = _types(checked, relation.name)
                for index, check in enumerate(relation.block.checks):
                    keys = (*relation.keys, "checks", index, "column")
                    for column in check.checked_columns() if check.families else ():
                        type_ = types.get(column)
                        if type_ and type_.family not in check.families:
                            message = f"'{check.type_name}' cannot check a column of {type_}"
                            hint = f"it is for {', '.join(check.families)}"
                            yield relation.file.diagnostic(keys, "E310", message, hint)


def _types(checked: Checked, name: str) -> dict[str, ColumnType]:
    """Return the types of a relation's columns, as far as they are known."""
    block = checked.pipeline.relations()[name]
    if name in checked.pipeline_file.loose():
        return {}
    if block.columns:
        return {column.name: column.type for column in block.columns}
    compiled = checked.compilation.queries.get(name)
    types = {}
    for column, type_ in (compiled.columns or ()) if compiled else ():
        try:
            types[column] = ColumnType.parse(type_)
        except ValueError:
            continue
    return types
