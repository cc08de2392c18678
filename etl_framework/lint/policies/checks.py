"""Policies about checks: that there are some, of which types, of keys and of columns."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from etl_framework.checks.base import Check, KeyCheck
from etl_framework.checks.threshold import Threshold
from etl_framework.lint.policies.base import Finding, OfKinds, RelationPolicy, in_words
from etl_framework.plugins import plugins
from etl_framework.project.models import Kpi
from etl_framework.project.relation import Relation
from etl_framework.sources.base import Source

if TYPE_CHECKING:
    CheckType = str
else:
    CheckType = Literal[tuple(plugins(Check))]


class HasChecks(OfKinds):
    """A relation has checks; those that `required` and `primary_key` imply count."""

    code = "P401"

    type: Literal["relation_has_checks"]
    at_least: int = Field(1, gt=0, description="The least number of checks.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        number = len(relation.checks)
        if number < self.at_least:
            message = f"{in_words(relation)} has {number or 'no'} checks"
            hint = f"write at least {self.at_least} under checks"
            yield Finding((*relation.keys, "checks"), message, hint, of_key=True)


class HasCheckOf(OfKinds):
    """A relation has a check of each type that is listed, such as `row_count`."""

    code = "P402"

    type: Literal["relation_has_checks_of"]
    types: list[CheckType] = Field(
        min_length=1,
        examples=[["row_count", "freshness"]],
        description="Types of checks that it has; with `any: true` one of them is enough.",
    )
    any: bool = Field(False, description="One of the types is enough.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        has = {check.type_name for check in relation.checks}
        lacking = [type_ for type_ in self.types if type_ not in has]
        if lacking and (not self.any or len(lacking) == len(self.types)):
            shown = (" or " if self.any else ", ").join(lacking)
            message = f"{in_words(relation)} has no check {shown}"
            hint = f"add to checks: - {{type: {lacking[0]}, ...}}"
            yield Finding((*relation.keys, "checks"), message, hint, of_key=True)


class KeyHasCheck(RelationPolicy):
    """A check proves the `unique_key` by which a target's rows are told apart."""

    kinds = ("kpi",)
    code = "P403"

    type: Literal["key_has_check"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        target = relation.block.target if isinstance(relation.block, Kpi) else None
        key = {name.lower() for name in target.unique_key} if target else set()
        proven = [
            {name.lower() for name in check.columns}
            for check in relation.checks
            if isinstance(check, KeyCheck) and check.severity == "error" and not check.where
        ]
        if key and target and not any(columns <= key for columns in proven):
            message = f"no check proves that {', '.join(target.unique_key)} tells rows apart"
            hint = (
                f"add to checks: - {{type: primary_key, columns: [{', '.join(target.unique_key)}]}}"
            )
            yield Finding((*relation.keys, "target", "unique_key"), message, hint)


class ColumnHasCheck(OfKinds):
    """A check looks at each column; `required` and `primary_key` are checks, too."""

    code = "P404"

    type: Literal["column_has_check"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        checks = relation.checks
        looked_at = {name.lower() for check in checks for name in check.checked_columns()}
        for index, column in enumerate(relation.block.columns):
            if column.name.lower() not in looked_at:
                message = f"no check looks at the column '{column.name}'"
                hint = "write required: true, or a check of it"
                yield Finding((*relation.keys, "columns", index), message, hint)


class RejectsAtMost(RelationPolicy):
    """A source stops the run before too many of its rows are rejected."""

    kinds = ("source",)
    code = "P405"

    type: Literal["source_rejects_at_most"]
    at_most: Threshold = Field(description='The greatest `max_rejected`, for example `"1%"`.')

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if not isinstance(relation.block, Source):
            return
        given, most = relation.block.max_rejected, self.at_most
        if given.percent != most.percent:
            message = f"max_rejected is {given}, and cannot be compared with {most}"
        elif given.amount > most.amount:
            message = f"max_rejected of {given} is more than {most}"
        else:
            return
        hint = f'write max_rejected: "{most}"'
        yield Finding((*relation.keys, "max_rejected"), message, hint)


class ChecksStopRuns(OfKinds):
    """A check that is broken stops the run, or takes the rows out: it does not only report."""

    code = "P406"

    type: Literal["checks_are_errors"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        for index, check in enumerate(relation.block.checks):
            if check.severity == "warning":
                keys = (*relation.keys, "checks", index, "severity")
                message = f"the check {check.label} only warns"
                yield Finding(keys, message, "write severity: error")
