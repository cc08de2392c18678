"""Rules about SQL: the templates, and the conditions and columns of checks."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.checks.base import Check
from etl_framework.config.project import Project
from etl_framework.errors import Diagnostic, PlanError, did_you_mean
from etl_framework.lint.base import Checked, Rule
from etl_framework.sql.scope import condition_columns


class Templates(Rule):
    """Every template renders, parses, names what exists, and gives what its `columns` promise."""

    codes = ("E302", "E304", "E401", "E402", "E403", "E410", "E411", "E412", "E413", "E414",
             "E415", "E420", "E421")  # fmt: skip

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            yield from checked.compilation.diagnostics


class PythonInputs(Rule):
    """A Python transform names inputs that exist."""

    codes = ("E411",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            known = {*checked.pipeline.relations(), *checked.found.broken()}
            for name, transform in checked.pipeline.transforms.items():
                for index, given in enumerate(transform.inputs):
                    if given not in known:
                        keys = ("transforms", name, "inputs", index)
                        hint = did_you_mean(given, known)
                        message = f"unknown relation '{given}'"
                        yield checked.found.file.diagnostic(keys, "E411", message, hint)


class Checks(Rule):
    """A check names columns and relations that exist, and its condition parses."""

    codes = ("E308", "E309")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            columns = self._columns(checked)
            for section in ("sources", "transforms", "kpis"):
                for name, block in getattr(checked.pipeline, section).items():
                    for index, found in enumerate(block.checks):
                        keys = (section, name, "checks", index)
                        yield from self._check(checked, keys, found, columns.get(name), columns)

    def _columns(self, checked: Checked) -> dict[str, list[str] | None]:
        """Columns by relation; None where they are not known."""
        known: dict[str, list[str] | None] = dict.fromkeys(checked.found.broken())
        for name, block in checked.pipeline.relations().items():
            declared = [column.name for column in block.columns]
            compiled = checked.compilation.queries.get(name)
            if not declared and compiled and compiled.columns:
                declared = [column for column, _ in compiled.columns]
            known[name] = None if name in checked.found.loose() else declared or None
        return known

    def _check(
        self,
        checked: Checked,
        keys: tuple[str | int, ...],
        found: Check,
        columns: list[str] | None,
        relations: dict[str, list[str] | None],
    ) -> Iterator[Diagnostic]:
        file = checked.found.file
        for index, column in enumerate(found.checked_columns()):
            if columns is not None and column not in columns:
                where = (*keys, "column") if hasattr(found, "column") else (*keys, "columns", index)
                hint = did_you_mean(column, columns)
                yield file.diagnostic(where, "E308", f"unknown column '{column}'", hint)
        if found.where:
            try:
                named = condition_columns(found.where)
            except PlanError as error:
                message = error.diagnostics[0].message
                yield file.diagnostic((*keys, "where"), "E309", message)
                named = []
            for column in named:
                if columns is not None and column not in map(str.lower, columns):
                    message, hint = f"unknown column '{column}'", did_you_mean(column, columns)
                    yield file.diagnostic((*keys, "where"), "E308", message, hint)
        if not (parent := found.parent()):
            return
        relation, column = parent
        if relation not in relations:
            message, hint = f"unknown relation '{relation}'", did_you_mean(relation, relations)
            yield file.diagnostic((*keys, "to"), "E411", message, hint)
            return
        known = relations[relation]
        if known is not None and column not in known:
            message = f"unknown column '{column}' in '{relation}'"
            yield file.diagnostic((*keys, "to"), "E308", message, did_you_mean(column, known))
