"""The base classes of policies: rules that a team agrees on, as `policies.yml` states them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from itertools import product
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, model_validator

from etl_framework.errors import did_you_mean
from etl_framework.model import Model, wrong_at
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project
from etl_framework.project.relation import Kind, Relation, relations_of
from etl_framework.project.yaml_file import Keys, YamlFile

_NO_FILE = YamlFile("")


@dataclass(frozen=True)
class Finding:
    """A place in a pipeline's file that breaks a policy.

    :param about: the keys of what is wrong or, if the file does not have it, of what is missing.
    :param of_key: whether the key itself is wrong, and not its value.
    """

    about: Keys
    message: str
    hint: str = ""
    of_key: bool = False


def _compiles(value: str) -> str:
    try:
        re.compile(value)
    except re.error as error:
        raise ValueError(
            f"the pattern does not compile: {error}; write for example ^[a-z_]+$"
        ) from error
    return value


Regex = Annotated[
    str,
    AfterValidator(_compiles),
    Field(
        examples=["^[a-z_]+$"],
        description="Regular expression, found anywhere; `^` and `$` tie it to the whole name.",
    ),
]


class Policy(Model):
    """A rule that pipelines keep.

    A policy is a class with a `type`, a `code` that no other has, and `find`.
    """

    code: ClassVar[str] = ""
    """The code of its findings, which begins with P."""

    reason: str = Field(
        min_length=1,
        examples=["whom to call when it breaks at night"],
        description="Why the policy exists; each finding says it.",
    )
    select: list[str] = Field(
        [],
        examples=[["tag:finance", "path:pipelines/shop"]],
        description="Pipelines that keep it, as `etl ls` selects them; all if left out.",
    )
    exclude: list[str] = Field(
        [],
        examples=[["owner:lab"]],
        description="Pipelines that need not keep it, as for `etl ls`.",
    )
    severity: Literal["error", "warning"] = Field(
        "error", description="`error`: lint's findings stop runs; `warning`: they are reported."
    )

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        """Return every place where a pipeline breaks the policy."""
        raise NotImplementedError

    def misfits(self, project: Project) -> Iterator[Finding]:
        """Return what the policy names and the project does not have, by the policy's own keys.

        :param project: the project without its pipelines.
        """
        return iter(())


class RelationPolicy(Policy):
    """A policy about each relation by itself."""

    kinds: ClassVar[tuple[Kind, ...]] = ("source", "transform", "kpi")
    """The kinds of relations that it can be about."""

    relations: list[str] = Field(
        [],
        examples=[["stg_*"]],
        description="Names of relations, with `*` for any letters; all if left out.",
    )

    def find(self, pipeline: Pipeline) -> Iterator[Finding]:
        for relation in relations_of(pipeline, _NO_FILE):
            if relation.kind in self.looks_at() and matches_any(relation.name, self.relations):
                yield from self.find_in(relation)

    def looks_at(self) -> Sequence[Kind]:
        """Return the kinds of relations that the policy is about."""
        return self.kinds

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        """Return every place where a relation breaks the policy."""
        raise NotImplementedError


class OfKinds(RelationPolicy):
    """A policy about relations of some kinds, or of all kinds."""

    of: list[Kind] = Field([], description="Kinds of relations; all if left out.")

    def looks_at(self) -> Sequence[Kind]:
        return self.of or self.kinds


class AllowList(Policy):
    """A policy about values that are allowed, or forbidden."""

    word: ClassVar[str] = "value"
    """What one of the values is called."""

    allow: list[str] = Field(
        [], description="All values that are allowed, with `*` for any letters."
    )
    forbid: list[str] = Field(
        [], description="Values that are not allowed, with `*` for any letters."
    )

    @model_validator(mode="after")
    def _gives_a_list(self) -> AllowList:
        if not self.allow and not self.forbid:
            raise ValueError("give 'allow' or 'forbid'; for example allow: [a, b]")
        for index, value in enumerate(self.forbid):
            if value in self.allow:
                raise wrong_at(f"'{value}' is allowed, too; keep one", "forbid", index)
        return self

    def contradicts(self, other: AllowList) -> bool:
        """Return whether no value keeps this policy and another one that is about the same."""
        if type(self) is not type(other) or self._subject() != other._subject():
            return False
        mine = [v for v in self.allow if not other.forbid or not matches_any(v, other.forbid)]
        theirs = [v for v in other.allow if not self.forbid or not matches_any(v, self.forbid)]
        if self.allow and other.allow:
            pairs = product(mine, theirs)
            return not any(matches_any(a, [b]) or matches_any(b, [a]) for a, b in pairs)
        return bool((self.allow and not mine) or (other.allow and not theirs))

    def _subject(self) -> dict[str, object]:
        """The fields that say which values of a pipeline are meant."""
        return self.model_dump(exclude={*Policy.model_fields, "allow", "forbid"})

    def judge(self, about: Keys, value: str) -> Iterator[Finding]:
        """Return a finding if a value is not allowed."""
        if self.forbid and matches_any(value, self.forbid):
            hint = f"write another; forbidden: {', '.join(self.forbid)}"
            yield Finding(about, f"the {self.word} '{value}' is forbidden", hint)
        elif not matches_any(value, self.allow):
            hint = did_you_mean(value, self.allow).replace("known:", "allowed:")
            yield Finding(about, f"the {self.word} '{value}' is not allowed", hint)


def matches_any(value: str, globs: Iterable[str]) -> bool:
    """Return whether a value matches one of the patterns, of which none means any value."""
    patterns = list(globs)
    return not patterns or any(fnmatchcase(value, pattern) for pattern in patterns)


def missing(about: Keys, what: str, hint: str) -> Finding:
    """Return a finding about a key that is not written."""
    return Finding(about, f"{what} has no {about[-1]}", hint)


def in_words(relation: Relation) -> str:
    """Return a relation as messages name it: `the source 'orders'`."""
    kind = "KPI" if relation.kind == "kpi" else relation.kind
    return f"the {kind} '{relation.name}'"
