"""Policies about sources, transforms and KPIs: descriptions, names, tests, keys, size."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from etl_framework.checks.primary_key import PrimaryKey
from etl_framework.lint.policies.base import (
    Finding,
    OfKinds,
    Policy,
    Regex,
    RelationPolicy,
    in_words,
    missing,
)
from etl_framework.project.models import Kpi, Pipeline, Transform
from etl_framework.project.relation import Relation, relations_of
from etl_framework.project.yaml_file import YamlFile


class RelationHasDescription(OfKinds):
    """A relation says what its rows are."""

    code = "P301"

    type: Literal["relation_has_description"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if not relation.block.description.strip():
            about = (*relation.keys, "description")
            yield missing(about, in_words(relation), "write description: what the rows are")


class RelationNameMatches(OfKinds):
    """The name of a relation is built as agreed."""

    code = "P302"

    type: Literal["relation_name_matches"]
    pattern: Regex

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if not re.search(self.pattern, relation.name):
            message = f"the name '{relation.name}' does not match {self.pattern}"
            yield Finding(relation.keys, message, "rename it", of_key=True)


class HasPrimaryKey(OfKinds):
    """A relation says which columns tell its rows apart, and so has the check of it."""

    code = "P303"

    type: Literal["relation_has_primary_key"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if not any(isinstance(check, PrimaryKey) for check in relation.checks):
            message = f"{in_words(relation)} has no primary key"
            hint = "write primary_key: true at the columns that tell rows apart"
            yield Finding((*relation.keys, "columns"), message, hint, of_key=True)


class HasTests(OfKinds):
    """A transform or KPI has examples under `tests`, which `etl test` runs."""

    kinds = ("transform", "kpi")
    code = "P304"

    type: Literal["query_has_tests"]
    of: list[Literal["transform", "kpi"]] = Field(  # type: ignore[assignment]
        [], description="Kinds of relations; both if left out."
    )
    at_least: int = Field(1, gt=0, description="The least number of tests.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        block = relation.block
        if isinstance(block, Transform | Kpi) and len(block.tests) < self.at_least:
            has = f"has {len(block.tests) or 'no'} tests"
            message = f"{in_words(relation)} {has}"
            hint = f"write at least {self.at_least} under tests: rows given, and rows expected"
            yield Finding((*relation.keys, "tests"), message, hint, of_key=True)


class TransformHasColumns(RelationPolicy):
    """A transform declares its columns, as KPIs and sources must."""

    kinds = ("transform",)
    code = "P305"

    type: Literal["transform_has_columns"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if not relation.block.columns:
            about = (*relation.keys, "columns")
            yield missing(about, in_words(relation), "write columns: names and types in order")


class TransformIsSql(RelationPolicy):
    """Transforms are SQL: what is Python does not run in a cluster."""

    kinds = ("transform",)
    code = "P306"

    type: Literal["transform_is_sql"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if isinstance(relation.block, Transform) and relation.block.python:
            about = (*relation.keys, "python")
            yield Finding(about, f"{in_words(relation)} is Python", "write it in SQL", of_key=True)


class KpiHasExposures(RelationPolicy):
    """A KPI says who reads it, and whom to ask before it changes."""

    kinds = ("kpi",)
    code = "P307"

    type: Literal["kpi_has_exposures"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if isinstance(relation.block, Kpi) and not relation.block.exposures:
            about, hint = (*relation.keys, "exposures"), "write exposures: [{name: ...}]"
            yield missing(about, in_words(relation), hint)


class Placeholders(Policy):
    """A description says something: it is not to be written later."""

    code = "P308"

    type: Literal["descriptions_are_written"]
    words: list[str] = Field(
        ["TODO", "TBD", "FIXME", "XXX", "lorem ipsum", "..."],
        min_length=1,
        description="What stands for a text that is not written yet, in any case of letters.",
    )

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        yield from self._find_in((), pipeline.description)
        for relation in relations_of(pipeline, YamlFile("")):
            yield from self._find_in(relation.keys, relation.block.description)
            for index, column in enumerate(relation.block.columns):
                keys = (*relation.keys, "columns", index)
                yield from self._find_in(keys, column.description)

    def _find_in(self, keys: tuple[str | int, ...], text: str) -> Iterator[Finding]:
        for word in self.words if text else ():
            # `TODO` is a word of its own, and `...` may stand behind one.
            before, after = (r"(?<!\w)", r"(?!\w)") if word.isalnum() else ("", "")
            if re.search(f"{before}{re.escape(word)}{after}", text, re.IGNORECASE):
                message = f"the description says '{word}'"
                yield Finding((*keys, "description"), message, "write what it means")
                return


class HasAtMostColumns(OfKinds):
    """A relation is not wider than its readers need: columns cost space and time."""

    code = "P309"

    type: Literal["relation_has_at_most_columns"]
    at_most: int = Field(gt=0, description="The greatest number of columns.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if len(relation.block.columns) > self.at_most:
            message = f"{len(relation.block.columns)} columns are more than {self.at_most}"
            hint = "leave out what nobody reads, or split it"
            yield Finding((*relation.keys, "columns"), message, hint, of_key=True)
