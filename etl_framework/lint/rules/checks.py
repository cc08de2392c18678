"""Rules about checks: their columns, conditions, and the relations they compare with."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from etl_framework.checks.base import MOMENTS, NUMBERS, Check
from etl_framework.checks.over_time import COUNTED, OverTime
from etl_framework.columns import ColumnType
from etl_framework.errors import Diagnostic, PlanError, did_you_mean
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project
from etl_framework.project.relation import Relation, relations_of
from etl_framework.sql.comparisons import why_not
from etl_framework.sql.conditions import read_condition

# What to write instead, by the family of the column's type.
EXAMPLES = {
    "text": 'write "{}"', "boolean": "write true or false", "integer": "write a number",
    "decimal": "write a number", "float": "write a number", "date": "write it like 2024-01-31",
    "timestamp": "write it like 2024-01-31 10:30:00",
    "timestamptz": "write it like 2024-01-31 10:30:00",
}  # fmt: skip


class Checks(Rule):
    """A check names columns and relations that exist, and its condition parses."""

    codes = ("E308", "E309")

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            yield from checked.compilation.of_conditions
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
                read_condition(condition, read="postgres")
            except PlanError as error:
                yield _unparsed(checked, keys, condition, error)

    def _columns(self, checked: Checked) -> dict[str, list[str] | None]:
        """Return the columns of every relation; None if they are not known."""
        known: dict[str, list[str] | None] = dict.fromkeys(checked.pipeline_file.broken())
        for name, block in checked.pipeline.relations().items():
            declared = [column.name for column in block.staged]
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
    place = file.where_inside(keys, condition, offset)
    return Diagnostic(*place, "E309", error.diagnostics[0].message)


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
                    yield from _unlike_values(relation, index, check, types)
                    yield from _of_masks(checked, relation, index, check)
                    yield from _not_counted(relation, index, check)


def _of_masks(
    checked: Checked, relation: Relation, index: int, check: Check
) -> Iterator[Diagnostic]:
    """Yield the masked columns of a source whose values a check would have to see."""
    masks = _masks(checked, relation.name)
    keys = (*relation.keys, "checks", index)
    for column in check.checked_columns():
        mask = masks.get(column, "none")
        if mask == "null" or (mask != "none" and not check.of_masks):
            message = f"'{check.type_name}' cannot judge '{column}', which is masked (mask: {mask})"
            hint = "check it where it comes from, or take the mask out"
            yield relation.file.diagnostic((*keys, "type"), "E310", message, hint)
    parent, column = check.parent() or ("", None), "".join(check.checked_columns()[:1])
    if parent[1] and parent[0] in checked.pipeline.sources and relation.kind == "source":
        here, there = masks.get(column), _masks(checked, parent[0]).get(parent[1])
        if here and there and (here == "hash") != (there == "hash"):
            message = f"only one of '{column}' and '{'.'.join(map(str, parent))}' is hashed"
            hint = "write mask: hash at both, and equal values stay equal"
            yield relation.file.diagnostic((*keys, "to"), "E310", message, hint)


def _masks(checked: Checked, name: str) -> dict[str, str]:
    """Return how each column of a source is masked; nothing for other relations."""
    source = checked.pipeline.sources.get(name)
    return {column.name: column.mask or "null" for column in source.columns} if source else {}


def _not_counted(relation: Relation, index: int, check: Check) -> Iterator[Diagnostic]:
    """Yield numbers that only a source has, of which others are asked."""
    if isinstance(check, OverTime) and check.of in COUNTED and relation.kind != "source":
        message = f"'{check.of}' is counted of sources, and '{relation.name}' is none"
        keys = (*relation.keys, "checks", index, "of")
        yield relation.file.diagnostic(keys, "E310", message, "write `of: row_count`")


def _unlike_values(
    relation: Relation, index: int, check: Check, types: dict[str, ColumnType]
) -> Iterator[Diagnostic]:
    """Yield the values of a check that its column's type cannot have."""
    column = "".join(check.checked_columns()[:1])
    type_ = types.get(column)
    for place, value in check.compared_values() if type_ else ():
        judged = type_ and (not check.families or type_.family in check.families)
        if type_ and judged and not _can_have(type_, value):
            keys = (*relation.keys, "checks", index, *place)
            written = relation.file.scalar(keys)
            message = f"{written} is no value of '{column}', which is {type_}"
            hint = EXAMPLES[type_.family].format(written)
            yield relation.file.diagnostic(keys, "E310", message, hint)


def _can_have(type_: ColumnType, value: object) -> bool:
    """Return whether a value of YAML can be compared with values of a type."""
    family = type_.family
    if isinstance(value, bool) or family == "boolean":
        return isinstance(value, bool) and family == "boolean"
    if isinstance(value, str):
        return family == "text" or (family in MOMENTS and not why_not(value, "moment"))
    if isinstance(value, date):  # a datetime too
        return family in MOMENTS
    return family in NUMBERS


def _types(checked: Checked, name: str) -> dict[str, ColumnType]:
    """Return the types of a relation's columns, as far as they are known."""
    block = checked.pipeline.relations()[name]
    if name in checked.pipeline_file.loose():
        return {}
    if block.staged:
        return {column.name: column.type for column in block.staged}
    compiled = checked.compilation.queries.get(name)
    types = {}
    for column, type_ in (compiled.columns or ()) if compiled else ():
        try:
            types[column] = ColumnType.parse(type_)
        except ValueError:
            continue
    return types
