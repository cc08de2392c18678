"""What an engine is: what runs the extract, check, transform and KPI steps of a plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from etl_framework.plugins import engine_class

if TYPE_CHECKING:
    from etl_framework.connections.base import Connection
    from etl_framework.engines.work import Work
    from etl_framework.plan.compile import Compiled
    from etl_framework.project.environments import Environment
    from etl_framework.project.models import Pipeline
    from etl_framework.project.workspace import Workspace
    from etl_framework.project.yaml_file import Keys
    from etl_framework.sources.base import Source
    from etl_framework.storage.outcome import Outcome


class Engine(ABC):
    """Runs the steps that read, make and check relations.

    An engine is a folder below `engines/`, called as environments call it, with its class in
    `engine.py`; or a package's class, under the entry-point group `etl_framework.engines`. An
    instance has no state. What it imports for its work it imports when it works: plans and lint
    ask engines too.
    """

    # What its SQL is written in, as sqlglot calls it.
    dialect: ClassVar[str]
    # Whether a corrected row takes the place of one that broke a check.
    corrects_quarantined: ClassVar[bool] = True

    # What a plan asks.

    def problem(self, environment: Environment) -> str:
        """What an environment of this engine lacks; empty when it lacks nothing."""
        return ""

    def refused(self, pipeline: Pipeline, environment: Environment) -> Iterator[tuple[Keys, str]]:
        """Where a pipeline's file says what the engine cannot do, and why it cannot."""
        return iter(())

    @abstractmethod
    def sql(self, query: Compiled) -> str:
        """The SQL of a query as the engine runs it."""

    def query_plan(self, sql: str, schema: dict[str, dict[str, str]]) -> str:
        """How the engine would go about a query; empty where only a connection could tell.

        :param schema: table to column to DuckDB type, for every table the query names.
        """
        return ""

    # What a run asks.

    @abstractmethod
    def extract(self, work: Work) -> Outcome:
        """Read a source.

        :raises CheckFailedError: more rows were rejected than the source allows.
        """

    @abstractmethod
    def check(self, work: Work) -> Outcome:
        """Run all checks of a relation, and take out the rows that are quarantined.

        :raises CheckFailedError: rules of severity error are broken; every such rule is named.
        """

    @abstractmethod
    def transform(self, work: Work) -> Outcome:
        """Make the relation of a transform or KPI, with the columns and types that it declares."""

    def has(self, work: Work, outcome: Outcome) -> bool:
        """Whether the relation of a finished step is still there."""
        return True

    # What is asked around runs.

    def reads(self, source: Source) -> bool:
        """Whether the engine itself reads a source's files in S3, and needs a right to them."""
        return False

    def clean(self, workspace: Workspace, before: datetime) -> int:
        """Drop the tables that earlier runs left in a database; returns how many.

        :param before: those of earlier days alone.
        :raises RetryableError: the database does not answer.
        """
        return 0

    def schemas(self, environment: Environment, connection: Connection) -> tuple[str, ...]:
        """The schemas of its own that the engine makes in the database of a connection."""
        return ()


def engine_of(environment: Environment) -> Engine:
    """The engine of an environment.

    :raises ConfigError: the package that registers it does not load.
    """
    engine: Engine = engine_class(environment.engine)()
    return engine
