"""Policies about what a run reads, and what that costs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import Field

from etl_framework.interval import Span
from etl_framework.lint.policies.base import Finding, Policy, RelationPolicy, in_words
from etl_framework.project.models import Kpi, Pipeline, Transform
from etl_framework.project.relation import Relation
from etl_framework.sources.base import Source


class ReadsIntervals(RelationPolicy):
    """A source reads the rows of a run's data interval, and not all that there are each time."""

    kinds = ("source",)
    code = "P701"

    type: Literal["source_reads_interval"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if isinstance(relation.block, Source) and relation.block.by_interval() is False:
            message = f"{in_words(relation)} is read whole in each run"
            hint = "write incremental_key, or {{ interval.date }} in its path"
            yield Finding(relation.keys, message, hint, of_key=True)


class ReadsBackAtMost(RelationPolicy):
    """A run does not read further back than it needs: `lookback` of sources, `reads` of queries."""

    code = "P702"

    type: Literal["reads_back_at_most"]
    at_most: Span = Field(description="The longest span of time, for example `30d`.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        lookback = getattr(relation.block, "lookback", None)
        if isinstance(lookback, Span) and lookback.seconds > self.at_most.seconds:
            yield self._finding((*relation.keys, "lookback"), f"lookback: {lookback}")
        if isinstance(relation.block, Transform | Kpi):
            for name, window in relation.block.reads.items():
                if window.span is None or window.span.seconds > self.at_most.seconds:
                    yield self._finding((*relation.keys, "reads", name), f"{name}: {window}")

    def _finding(self, about: tuple[str | int, ...], what: str) -> Finding:
        message = f"'{what}' reads further back than {self.at_most}"
        return Finding(about, message, f"write {self.at_most}, or less")


class HasAtMostRelations(Policy):
    """A pipeline is no larger than a person can oversee, and than a run should be."""

    code = "P703"

    type: Literal["pipeline_has_at_most_relations"]
    at_most: int = Field(gt=0, description="The greatest number of sources, transforms and KPIs.")

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        number = len(pipeline.relations())
        if number > self.at_most:
            message = f"{number} relations are more than {self.at_most}"
            yield Finding(("name",), message, "make two pipelines of it")
