"""Policies about what a pipeline says of itself: whom to ask, what it is for, who hears of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import Field, model_validator

from etl_framework.lint.policies.base import AllowList, Finding, Policy, Regex, matches_any, missing
from etl_framework.model import wrong_at
from etl_framework.project.models import Pipeline
from etl_framework.project.notify import Event

PIPELINE = "the pipeline"


class HasOwner(Policy):
    """A pipeline says which team to ask."""

    code = "P101"

    type: Literal["pipeline_has_owner"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if not pipeline.owner.strip():
            yield missing(("owner",), PIPELINE, "write owner: the team to ask")


class OwnerIsAllowed(AllowList):
    """The owner of a pipeline is one of the teams that there are."""

    code = "P102"
    word: ClassVar[str] = "owner"

    type: Literal["owner_is_allowed"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if pipeline.owner.strip():
            yield from self.judge(("owner",), pipeline.owner)


class PipelineHasDescription(Policy):
    """A pipeline says what it is for."""

    code = "P103"

    type: Literal["pipeline_has_description"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if not pipeline.description.strip():
            yield missing(("description",), PIPELINE, "write description: what it is for")


class HasTags(Policy):
    """A pipeline has tags: some, all that are listed, one of a list."""

    code = "P104"

    type: Literal["pipeline_has_tags"]
    all_of: list[str] = Field([], description="Tags that it has, with `*` for any letters.")
    one_of: list[str] = Field(
        [],
        examples=[["tier-*"]],
        description="Tags of which it has one or more, with `*` for any letters.",
    )

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        tags, lacking = pipeline.tags, [tag for tag in self.all_of if not _has(pipeline, [tag])]
        if lacking:
            shown = ", ".join(f"'{tag}'" for tag in lacking)
            yield Finding(("tags",), f"{PIPELINE} lacks the tag {shown}", f"add {shown} to tags")
        if not _has(pipeline, self.one_of) if self.one_of else not tags:
            hint = f"add one of {', '.join(self.one_of)}" if self.one_of else "write tags: [...]"
            what = "none of the tags that it needs" if self.one_of else "no tags"
            yield Finding(("tags",), f"{PIPELINE} has {what}", hint)


def _has(pipeline: Pipeline, wanted: list[str]) -> bool:
    return any(matches_any(tag, wanted) for tag in pipeline.tags)


class HasNotify(Policy):
    """Somebody hears when a pipeline fails, or of other events."""

    code = "P105"

    type: Literal["pipeline_has_notify"]
    events: list[Event] = Field(
        ["failure"], min_length=1, description="Events that somebody hears of."
    )

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        heard = {event for notify in pipeline.notify for event in notify.events}
        lacking = [event for event in self.events if event not in heard]
        if lacking:
            message = f"nobody hears of {', '.join(lacking)}"
            hint = f"write notify with events: [{', '.join(lacking)}]"
            yield Finding(("notify",), message, hint)


class HasRetries(Policy):
    """A step is tried again after a lost connection, as often as it makes sense."""

    code = "P106"

    type: Literal["pipeline_has_retries"]
    at_least: int = Field(1, ge=0, description="The least number of retries.")
    at_most: int | None = Field(None, ge=0, description="The greatest number of retries.")

    @model_validator(mode="after")
    def _bounds(self) -> HasRetries:
        if self.at_most is not None and self.at_most < self.at_least:
            raise wrong_at(
                f"at_most is less than at_least; write {self.at_least} or more", "at_most"
            )
        return self

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if pipeline.retries < self.at_least:
            message = f"{pipeline.retries} retries are fewer than {self.at_least}"
            yield Finding(("retries",), message, f"write retries: {self.at_least}")
        elif self.at_most is not None and pipeline.retries > self.at_most:
            message = f"{pipeline.retries} retries are more than {self.at_most}"
            yield Finding(("retries",), message, f"write retries: {self.at_most}")


class PipelineNameMatches(Policy):
    """The name of a pipeline is built as agreed."""

    code = "P107"

    type: Literal["pipeline_name_matches"]
    pattern: Regex

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        if not re.search(self.pattern, pipeline.name):
            message = f"the pipeline's name '{pipeline.name}' does not match {self.pattern}"
            yield Finding(("name",), message, "rename it, and its file")


class StandsAlone(Policy):
    """A pipeline waits for no other pipeline."""

    code = "P108"

    type: Literal["pipeline_waits_for_none"]

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        for index, kpi in enumerate(pipeline.after):
            yield Finding(("after", index), f"the pipeline waits for '{kpi}'", "take it out")
