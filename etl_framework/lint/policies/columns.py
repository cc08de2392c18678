"""Policies about columns: descriptions, names, types, and values that not everybody may see."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from etl_framework.columns import Column, ColumnType
from etl_framework.lint.policies.base import Finding, OfKinds, Regex, RelationPolicy
from etl_framework.project.relation import Relation
from etl_framework.project.yaml_file import Keys


class ColumnPolicy(OfKinds):
    """A policy about each column by itself."""

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        for index, column in enumerate(relation.block.columns):
            yield from self.find_at((*relation.keys, "columns", index), column)

    def find_at(self, keys: Keys, column: Column) -> Iterator[Finding]:
        """Return every place where a column breaks the policy."""
        raise NotImplementedError


class ColumnHasDescription(ColumnPolicy):
    """A column says what a value means."""

    code = "P501"

    type: Literal["column_has_description"]

    def find_at(self, keys: Keys, column: Column) -> Iterator[Finding]:
        if not column.description.strip():
            hint = "write description: what a value means, with its unit"
            message = f"the column '{column.name}' has no description"
            yield Finding((*keys, "description"), message, hint)


class ColumnNameMatches(ColumnPolicy):
    """The name of a column is built as agreed."""

    code = "P502"

    type: Literal["column_name_matches"]
    pattern: Regex

    def find_at(self, keys: Keys, column: Column) -> Iterator[Finding]:
        if not re.search(self.pattern, column.name):
            message = f"the column's name '{column.name}' does not match {self.pattern}"
            hint = "rename it; a KPI's column says with was: how it was called before"
            yield Finding((*keys, "name"), message, hint)


class TypeIsAllowed(ColumnPolicy):
    """A column is of no type that is forbidden; names tell which columns are meant."""

    code = "P503"

    type: Literal["column_type_is_allowed"]
    forbid: list[ColumnType] = Field(
        min_length=1,
        examples=[["real", "double precision"]],
        description="Types that columns do not have; lengths and digits do not matter.",
    )
    pattern: Regex = Field(
        "", examples=["(amount|price)$"], description="Columns that are meant; all if left out."
    )

    def find_at(self, keys: Keys, column: Column) -> Iterator[Finding]:
        named = re.search(self.pattern, column.name)
        if named and column.type.name in {type_.name for type_ in self.forbid}:
            message = f"the column '{column.name}' is of type {column.type}, which is forbidden"
            yield Finding((*keys, "type"), message, "write another type, such as decimal(18,2)")


class IsSensitive(ColumnPolicy):
    """A column whose name tells of a person is marked, so that no report shows its values."""

    code = "P504"

    type: Literal["column_is_sensitive"]
    pattern: Regex

    def find_at(self, keys: Keys, column: Column) -> Iterator[Finding]:
        if re.search(self.pattern, column.name) and not column.sensitive:
            message = f"the column '{column.name}' is not marked as sensitive"
            yield Finding((*keys, "sensitive"), message, "write sensitive: true")


class SensitiveStaysOut(RelationPolicy):
    """No KPI has a column that is sensitive, in the KPI itself or where it comes from."""

    kinds = ("kpi",)
    code = "P505"

    type: Literal["kpi_has_no_sensitive_columns"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        sensitive = relation.pipeline.sensitive()
        for index, column in enumerate(relation.block.columns):
            if column.name.lower() in sensitive:
                message = f"the column '{column.name}' is sensitive, and goes to a table"
                keys = (*relation.keys, "columns", index, "name")
                yield Finding(keys, message, "leave it out of the KPI")
