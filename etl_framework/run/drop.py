"""Drop the place of an environment: its schemas with all that is in them, and its staging."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass

from etl_framework.engines.base import engine_of
from etl_framework.errors import ConfigError, DataMissingError
from etl_framework.project.project import Project
from etl_framework.project.workspace import Workspace, usual_schema
from etl_framework.sql.quote import quote
from etl_framework.storage.s3 import S3Prefix
from etl_framework.targets.ledger import unpacked
from etl_framework.targets.warehouses import open_warehouse


@dataclass(frozen=True)
class PlaceToDrop:
    """What will be dropped, looked at and not dropped yet.

    :param schemas: connections and schemas that exist.
    :param staging: the address of the place's staging; empty if nothing is there.
    """

    workspace: Workspace
    schemas: tuple[tuple[str, str], ...]
    staging: str

    @classmethod
    def of(cls, project: Project, environment: str | None) -> PlaceToDrop:
        """Look at the place of an environment, and drop nothing.

        :raises ConfigError: the environment has no place of its own, is protected, or its place is
            a schema that pipelines name, or that holds tables of others.
        :raises RetryableError: a database or S3 does not answer.
        """
        name = project.environment_name(environment)
        chosen = project.environment(name)
        if not chosen.has_place:
            raise ConfigError(
                f"the environment '{name}' has no place of its own, so nothing of it is dropped",
                hint="only one with `schema` or `prefix` in environments.yml can be",
            )
        if chosen.protected:
            raise ConfigError(f"the environment '{name}' is protected, and is not dropped")
        placed = project.at(name)
        workspace = placed.workspace(name)
        schemas = {
            (connection, schema)
            for connection, schema in _schemas(placed, workspace)
            if _exists(workspace, connection, schema)
        }
        for connection, schema in sorted(schemas & set(_others(project, name))):
            raise ConfigError(
                f"'{schema}' is a schema that pipelines name, or the usual one of '{connection}'",
                hint="it is not dropped: give the environment a `schema` of its own",
            )
        for connection, schema in sorted(schemas):
            if strange := _strange(placed, workspace, connection, schema):
                raise ConfigError(
                    f"'{schema}' holds tables that no run here has made: {', '.join(strange[:5])}",
                    hint="it is not dropped: move them to another schema first",
                )
        return cls(workspace, tuple(sorted(schemas)), _staging(workspace))

    @property
    def empty(self) -> bool:
        """Whether nothing is left of the place."""
        return not (self.schemas or self.staging)

    def drop(self) -> None:
        """Drop everything.

        :raises StepError: a database refuses.
        :raises RetryableError: a database or S3 does not answer.
        """
        workspace = self.workspace
        for connection, schema in self.schemas:
            known = workspace.connection(connection)
            with open_warehouse(known, workspace.root) as warehouse:
                warehouse.execute(f"DROP SCHEMA IF EXISTS {quote(schema)} CASCADE")
        if prefix := workspace.staging_prefix():
            prefix.delete([stored.name for stored in prefix.listed()])
        folder = workspace.staging.path
        for leftover in (folder, folder.with_name(f"{folder.name}.spill")):
            shutil.rmtree(leftover, ignore_errors=True)


def _schemas(project: Project, workspace: Workspace) -> Iterator[tuple[str, str]]:
    """The schemas that runs in a place make, also for tables that no KPI has any more."""
    environment = workspace.environment
    place = environment.place_as_written
    loading = {name for model in project.models for name in model.target_connections()}
    for name in sorted(loading & environment.connections.keys()):
        yield name, workspace.home(name)
        connection = environment.connections[name]
        for schema in engine_of(environment).schemas(environment, connection):
            yield name, schema
        for (targets,) in workspace.ledger_rows(name, ["targets"], "1 = 1", ()):
            for target in unpacked(targets):
                schema = str(target["table"]).rpartition(".")[0]
                if place.prefix and schema.startswith(place.prefix):
                    yield name, schema
    for model in project.models:
        for kpi in model.kpis.values():
            yield kpi.target.connection, kpi.target.table.rpartition(".")[0]


def _strange(project: Project, workspace: Workspace, connection: str, schema: str) -> list[str]:
    """The tables of a schema that neither pipelines nor the ledger name, nor are of ours."""
    environment = workspace.environment
    if schema in engine_of(environment).schemas(environment, environment.connections[connection]):
        return []
    named = {kpi.target.table.lower() for model in project.models for kpi in model.kpis.values()}
    for (targets,) in workspace.ledger_rows(connection, ["targets"], "1 = 1", ()):
        named |= {str(target["table"]).lower() for target in unpacked(targets)}
    known = workspace.connection(connection)
    with open_warehouse(known, workspace.root, read_only=True) as warehouse:
        sql = "SELECT table_name FROM information_schema.tables WHERE table_schema = ?"
        rows = warehouse.query(f"{sql} AND table_type = 'BASE TABLE'", (schema,))[1]
    return sorted(
        str(name)
        for (name,) in rows
        if not str(name).startswith("etl_") and f"{schema}.{name}".lower() not in named
    )


def _exists(workspace: Workspace, connection: str, schema: str) -> bool:
    known = workspace.connection(connection)
    try:
        with open_warehouse(known, workspace.root, read_only=True) as warehouse:
            return bool(warehouse.number(warehouse.schema_sql, (schema,)))
    except DataMissingError:  # the file of the database does not exist
        return False


def _others(project: Project, name: str) -> Iterator[tuple[str, str]]:
    """The schemas of an environment without a place of its own, with the same connections."""
    environment = project.environment(name)
    for connection in environment.connections:
        yield connection, usual_schema(environment, connection)
    for model in (project.written[1] if project.written else project).models:
        for kpi in model.kpis.values():
            schema = kpi.target.table.rpartition(".")[0]
            yield kpi.target.connection, schema


def _staging(workspace: Workspace) -> str:
    prefix: S3Prefix | None = workspace.staging_prefix()
    if prefix:
        return prefix.uri("") if next(iter(prefix.listed()), None) else ""
    folder = workspace.staging.path
    return str(folder) if folder.exists() else ""
