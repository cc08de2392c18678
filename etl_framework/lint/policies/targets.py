"""Policies about places and tables: connections, schemas, names of tables, strategies."""

from __future__ import annotations

import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import Field

from etl_framework.errors import did_you_mean
from etl_framework.lint.policies.base import AllowList, Finding, Regex, RelationPolicy
from etl_framework.plugins import plugins
from etl_framework.project.models import Kpi
from etl_framework.project.project import Project
from etl_framework.project.relation import Relation
from etl_framework.sources.base import Source
from etl_framework.targets.strategies import strategy_names

if TYPE_CHECKING:
    StrategyName = str
    SourceType = str
else:
    StrategyName = Literal[strategy_names()]
    SourceType = Literal[tuple(plugins(Source))]


class ConnectionIsAllowed(AllowList, RelationPolicy):
    """Sources read from, and KPIs write to, connections that are meant for it."""

    kinds = ("source", "kpi")
    code = "P601"
    word: ClassVar[str] = "connection"

    type: Literal["connection_is_allowed"]
    of: Literal["source", "kpi"] | None = Field(None, description="Only sources, or only KPIs.")

    def misfits(self, project: Project) -> Iterator[Finding]:
        environments = project.environments.environments if project.environments else {}
        known = {name for environment in environments.values() for name in environment.connections}
        named = [("allow", index, name) for index, name in enumerate(self.allow)]
        # That nothing matches a pattern of what is forbidden is as it should be.
        plain = [(index, name) for index, name in enumerate(self.forbid) if "*" not in name]
        named += [("forbid", index, name) for index, name in plain]
        for key, index, name in named if known else ():
            if not any(fnmatchcase(connection, name) for connection in known):
                message = f"the connection '{name}' is in no environment"
                yield Finding((key, index), message, did_you_mean(name, known))

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if self.of and relation.kind != self.of:
            return
        if isinstance(relation.block, Kpi):
            keys = (*relation.keys, "target", "connection")
            yield from self.judge(keys, relation.block.target.connection)
        elif isinstance(relation.block, Source):
            yield from self.judge((*relation.keys, "connection"), relation.block.connection)


class SchemaIsAllowed(AllowList, RelationPolicy):
    """The tables of KPIs lie in schemas that are meant for them."""

    kinds = ("kpi",)
    code = "P602"
    word: ClassVar[str] = "schema"

    type: Literal["schema_is_allowed"]

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if isinstance(relation.block, Kpi):
            table = relation.block.target.table
            schema, dot, _ = table.rpartition(".")
            keys = (*relation.keys, "target", "table")
            if dot:
                yield from self.judge(keys, schema)
            elif self.allow:
                hint = f"write for example {self.allow[0]}.{table}"
                yield Finding(keys, f"the table '{table}' names no schema", hint)


class TableNameMatches(RelationPolicy):
    """The name of a KPI's table, with its schema if it has one, is built as agreed."""

    kinds = ("kpi",)
    code = "P603"

    type: Literal["table_name_matches"]
    pattern: Regex

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        table = relation.block.target.table if isinstance(relation.block, Kpi) else ""
        if not re.search(self.pattern, table):
            message = f"the table's name '{table}' does not match {self.pattern}"
            yield Finding((*relation.keys, "target", "table"), message, "rename the table")


class StrategyIsAllowed(AllowList, RelationPolicy):
    """Tables are loaded by strategies that the team can live with."""

    kinds = ("kpi",)
    code = "P604"
    word: ClassVar[str] = "strategy"

    type: Literal["strategy_is_allowed"]
    allow: list[StrategyName] = Field([], description="All strategies that are allowed.")
    forbid: list[StrategyName] = Field([], description="Strategies that are not allowed.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        if isinstance(relation.block, Kpi):
            keys = (*relation.keys, "target", "strategy")
            yield from self.judge(keys, relation.block.target.strategy)


class SourceTypeIsAllowed(AllowList, RelationPolicy):
    """Rows come from sources of types that are meant for it."""

    kinds = ("source",)
    code = "P605"
    word: ClassVar[str] = "source type"

    type: Literal["source_type_is_allowed"]
    allow: list[SourceType] = Field([], description="All types that are allowed.")
    forbid: list[SourceType] = Field([], description="Types that are not allowed.")

    def find_in(self, relation: Relation) -> Iterator[Finding]:
        keys, type_ = (*relation.keys, "type"), getattr(relation.block, "type", "")
        yield from self.judge(keys, type_)
