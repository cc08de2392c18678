"""A place of one's own: the schemas in which an environment writes beside production."""

from __future__ import annotations

import getpass
import hashlib
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import ConfigError
from etl_framework.project.git import branch_of

# What `schema` and `prefix` may be: a part of a name, with values between.
VALUE = r"\{\{\s*(?:user|branch|env\.\w+)\s*\}\}"
WRITTEN = rf"^(?:[a-z0-9_]|{VALUE})+$"
# Longer values are cut, so that a name of PostgreSQL, 63 bytes, has room for the rest.
LONGEST_VALUE = 32
LONGEST = 63
# Where CI says which branch it builds: that of the pull request first.
BRANCHES = (
    "GITHUB_HEAD_REF",
    "GITHUB_REF_NAME",
    "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME",
    "CI_COMMIT_REF_NAME",
    "BITBUCKET_BRANCH",
    "BUILD_SOURCEBRANCHNAME",
    "CIRCLE_BRANCH",
    "BRANCH_NAME",
)


@dataclass(frozen=True)
class Place:
    """The schemas of an environment: one for all tables, or each with something before its name.

    :param schema: the one schema; empty if there is none.
    :param prefix: what stands before the name of each schema; empty if nothing does.
    """

    schema: str = ""
    prefix: str = ""

    def __bool__(self) -> bool:
        return bool(self.schema or self.prefix)

    def home(self, default: str) -> str:
        """The schema of tables that are named without one, those of the framework among them.

        :param default: the schema that such tables have in the database otherwise.
        """
        return self.schema or f"{self.prefix}{default}" if self else ""

    def table(self, written: str, default: str) -> str:
        """The name of a table in this place: `mart.sales` becomes `pr_12_mart.sales`.

        :param written: the table as a pipeline's file names it.
        :param default: the schema of tables that are named without one.
        """
        schema, _, name = written.rpartition(".")
        return f"{self.home(schema or default)}.{name}" if self else written

    @property
    def fixed(self) -> bool:
        """Whether its name has no values that are looked up."""
        return "{{" not in self.schema + self.prefix

    @property
    def folder(self) -> str:
        """The last folder of the place's staging; no pipeline can be called so."""
        return f"place-{self.schema or self.prefix}" if self else ""

    def beside(self, name: str) -> str:
        """The name of a schema of the framework itself: `pr_12_etl_staging`."""
        if not self:
            return name
        return f"{self.schema}_{name}" if self.schema else f"{self.prefix}{name}"


def looked_up(text: str, root: Path) -> str:
    """A `schema` or `prefix` with its values: `dev_{{ user }}` becomes `dev_ann`.

    :param root: the project's folder, whose branch counts outside CI.
    :raises ConfigError: a value is not known.
    """
    known: Mapping[str, Callable[[], str]] = {"user": _user, "branch": lambda: _branch(root)}

    def value(found: re.Match[str]) -> str:
        name = found[0].strip("{} ")
        return identifier(known[name]() if name in known else _variable(name))

    name = re.sub(VALUE, value, text)
    return f"_{name}" if name[:1].isdigit() else name


def identifier(value: str) -> str:
    """A value as a part of a name in every database: `Feature/ABC-1` becomes `feature_abc_1`."""
    name = re.sub(r"[^a-z0-9_]", "_", value.lower())
    if len(name) <= LONGEST_VALUE:
        return name
    digest = hashlib.sha256(value.encode()).hexdigest()[:8]
    return f"{name[: LONGEST_VALUE - len(digest) - 1]}_{digest}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):
        raise ConfigError(
            "nobody knows the user for {{ user }}", hint="set the environment variable USER"
        ) from None


def _branch(root: Path) -> str:
    named = (os.environ.get(name) for name in BRANCHES)
    if found := next(filter(None, named), None) or branch_of(root):
        return found
    raise ConfigError(
        "nothing says which branch {{ branch }} is: neither CI nor git",
        hint=f"check out a branch, or set {BRANCHES[0]}",
    )


def _variable(name: str) -> str:
    variable = name.removeprefix("env.")
    if value := os.environ.get(variable):
        return value
    raise ConfigError(
        f"{{{{ {name} }}}} is not set, which the place of the environment is named after",
        hint=f"set the environment variable {variable}",
    )
