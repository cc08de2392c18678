"""The engine `redshift`: rows stay in the cluster, and SQL runs there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing
from datetime import datetime
from typing import TYPE_CHECKING

from etl_framework.engines.base import Engine

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


class RedshiftEngine(Engine):
    """Copies sources into staging tables, and runs checks and templates as SQL in the cluster.

    A relation is a table in a staging schema; the step's outcome names it. Each attempt makes a new
    table, so that no run reads an incomplete one.
    """

    dialect = "redshift"
    # The rows of a table in the cluster have no position that would identify them.
    corrects_quarantined = False
    keeps_tables = True

    def problem(self, environment: Environment) -> str:
        try:
            environment.cluster()
        except ValueError as error:
            return str(error)
        return ""

    def refused(self, pipeline: Pipeline, environment: Environment) -> Iterator[tuple[Keys, str]]:
        cluster = environment.cluster()
        for name, transform in pipeline.transforms.items():
            if transform.python:
                why = f"'{name}' is Python, which runs on DuckDB only"
                yield ("transforms", name, "python"), why
        for name, kpi in pipeline.kpis.items():
            connection = environment.connections.get(kpi.target.connection)
            if connection is not None and connection is not cluster:
                keys = ("kpis", name, "target", "connection")
                yield keys, f"the target of '{name}' is not in the cluster"

    def sql(self, query: Compiled) -> str:
        return query.rendered

    def extract(self, work: Work) -> Outcome:
        from etl_framework.engines.redshift.extract import extract

        return extract(work)

    def check(self, work: Work) -> Outcome:
        from etl_framework.engines.redshift.check import check

        return check(work)

    def transform(self, work: Work) -> Outcome:
        from etl_framework.engines.redshift.transform import transform

        return transform(work)

    def earlier(self, work: Work, rows: Earlier) -> Outcome:
        from etl_framework.engines.redshift.earlier import earlier

        return earlier(work, rows)

    def has(self, work: Work, outcome: Outcome) -> bool:
        from etl_framework.engines.redshift.cluster import cluster

        with cluster(work) as cluster_session:
            return cluster_session.has(outcome.table)

    def reads(self, source: Source) -> bool:
        from etl_framework.engines.redshift.copy_csv import copy_reads

        return copy_reads(source)

    def unloads(self, pipeline: Pipeline) -> bool:
        """Return whether rows that break checks are taken out, which the worker gets from S3."""
        from etl_framework.checks.base import RowCheck

        required = any(c.required for source in pipeline.sources.values() for c in source.columns)
        checks = [check for block in pipeline.relations().values() for check in block.checks]
        return required or any(isinstance(c, RowCheck) and c.on_fail != "fail" for c in checks)

    def clean(self, workspace: Workspace, before: datetime) -> int:
        from etl_framework.engines.redshift.cluster import SCHEMA
        from etl_framework.engines.redshift.leftovers import drop_old_tables

        cluster = workspace.environment.cluster()
        with closing(cluster.open_session(workspace.root)) as session:
            return drop_old_tables(session, workspace.place.beside(SCHEMA), before)

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
        from etl_framework.engines.redshift.cluster import SCHEMA
        from etl_framework.engines.redshift.leftovers import forget

        cluster = workspace.environment.cluster()
        with closing(cluster.open_session(workspace.root)) as session:
            schema = workspace.place.beside(SCHEMA)
            return forget(session, schema, pipeline, source, values, later, dry_run=dry_run)

    def schemas(self, environment: Environment, connection: Connection) -> tuple[str, ...]:
        from etl_framework.engines.redshift.cluster import SCHEMA

        here = environment.cluster() == connection
        return (environment.place_as_written.beside(SCHEMA),) if here else ()
