"""The base class of engines, which run the extract, check, transform and KPI steps of a plan."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, ClassVar

from etl_framework.plugins import engine_class

if TYPE_CHECKING:
    from etl_framework.connections.base import Connection
    from etl_framework.engines.work import Work
    from etl_framework.plan.compilation import Compiled
    from etl_framework.project.environments import Environment
    from etl_framework.project.models import Pipeline
    from etl_framework.project.workspace import Workspace
    from etl_framework.project.yaml_file import Keys
    from etl_framework.sources.base import Source
    from etl_framework.storage.outcome import Outcome
    from etl_framework.targets.earlier import Earlier


class Engine(ABC):
    """Runs the steps that read, make and check relations.

    An engine is a folder below `engines/` with a class in `engine.py`; the folder has the name that
    environments use. An engine can also be a class of another package, registered as an entry point
    of the group `etl_framework.engines`. An instance has no state. Plans and lint create engines
    too, so an engine imports what its steps need only when it runs a step.
    """

    # The SQL dialect of the engine, by the name that sqlglot uses.
    dialect: ClassVar[str]
    # Whether a corrected row can replace a row that broke a check.
    corrects_quarantined: ClassVar[bool] = True
    # Whether relations are tables in a database, and not files in staging.
    keeps_tables: ClassVar[bool] = False

    # For plans.

    def problem(self, environment: Environment) -> str:
        """Return what is missing in an environment that uses this engine; empty if nothing is."""
        return ""

    def refused(self, pipeline: Pipeline, environment: Environment) -> Iterator[tuple[Keys, str]]:
        """Yield the places in a pipeline's file that ask for what the engine cannot do, and why."""
        return iter(())

    @abstractmethod
    def sql(self, query: Compiled) -> str:
        """Return the SQL that the engine runs for a query."""

    def condition(self, sql: str, relation: str, columns: Mapping[str, str] | None) -> str:
        """Return a condition over the columns of one row as the engine reads it, in brackets.

        :param relation: the name of the relation whose rows it judges.
        :param columns: the DuckDB types of the relation's columns; None if they are not known.
        :raises PlanError: the condition cannot mean the same in this engine.
        """
        from etl_framework.sql.conditions import redshift_condition

        return redshift_condition(sql)

    def query_plan(self, sql: str, schema: dict[str, dict[str, str]]) -> str:
        """Return the engine's query plan; empty if getting it would need a connection.

        :param schema: for every table that the query names, the DuckDB type of every column.
        """
        return ""

    # For runs.

    @abstractmethod
    def extract(self, work: Work) -> Outcome:
        """Read a source.

        :raises CheckFailedError: more rows were rejected than the source allows.
        """

    @abstractmethod
    def check(self, work: Work) -> Outcome:
        """Run all checks of a relation, and take out the rows that go to quarantine.

        :raises CheckFailedError: rules of severity `error` are broken; the error names all of them.
        """

    @abstractmethod
    def transform(self, work: Work) -> Outcome:
        """Make the relation of a transform or KPI, with the declared columns and types."""

    @abstractmethod
    def earlier(self, work: Work, rows: Earlier) -> Outcome:
        """Read what earlier runs loaded into a target."""

    def has(self, work: Work, outcome: Outcome) -> bool:
        """Return whether the relation of a finished step still exists."""
        return True

    # For infrastructure and housekeeping.

    def reads(self, source: Source) -> bool:
        """Return whether the engine itself reads a source's files in S3 and needs permission."""
        return False

    def unloads(self, pipeline: Pipeline) -> bool:
        """Return whether a cluster that holds targets writes files to S3 in runs of a pipeline.

        It does where other data intervals are read from its tables.
        """
        return any(query.reads for query in pipeline.queries().values())

    def clean(self, workspace: Workspace, before: datetime) -> int:
        """Drop the tables that earlier runs left in a database, and return their number.

        :param before: only tables made on an earlier day than this are dropped.
        :raises RetryableError: the database does not answer.
        """
        return 0

    def forget(
        self,
        workspace: Workspace,
        pipeline: str,
        source: str,
        values: Mapping[str, str],
        later: Sequence[str],
        *,
        dry_run: bool,
    ) -> int:
        """Delete rows of a person from tables that runs left in a database; return their number.

        :param values: the texts that the columns of the person's rows have.
        :param later: relations that are computed from the source, whose tables are dropped.
        :raises RetryableError: the database does not answer.
        """
        return 0

    def schemas(self, environment: Environment, connection: Connection) -> tuple[str, ...]:
        """Return the schemas that the engine makes for itself in the database of a connection."""
        return ()


def engine_of(environment: Environment) -> Engine:
    """Return the engine of an environment.

    :raises ConfigError: the package that registers the engine cannot be loaded.
    """
    engine: Engine = engine_class(environment.engine)()
    return engine
