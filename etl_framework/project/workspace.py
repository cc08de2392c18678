"""An open environment: its variables are set, and its connections can be used."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from etl_framework.connections.base import Connection, inside
from etl_framework.connections.env_file import load_env_file
from etl_framework.connections.lookup import resolve
from etl_framework.connections.s3 import S3
from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.errors.secrets import keep_secret
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.project.place import Place
from etl_framework.storage.s3 import ATTEMPTS, S3Prefix
from etl_framework.storage.staging import Staging
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse
from etl_framework.targets.warehouses import ledger_rows, open_warehouse, warehouse_for

# Whoever knows a shorter one tries all values that a person may have.
SHORTEST_SALT = 16


def usual_schema(environment: Environment, connection: str) -> str:
    """The schema of tables that are named without one, in an environment without its own place."""
    known = environment.connections.get(connection)
    warehouse = warehouse_for(known) if known else None
    return (warehouse or Warehouse).home


@dataclass(frozen=True)
class Workspace:
    """Where one environment of a project does its work.

    Creating a workspace sets the variables of `env_file` that are not set yet, so that no caller
    can forget it. `Environment.open` and `Project.workspace` create workspaces.

    :param root: the project's folder.
    :raises ConfigError: the `env_file` does not exist, or has lines that set nothing.
    """

    root: Path
    environment: Environment

    def __post_init__(self) -> None:
        if self.environment.env_file:
            load_env_file(self.root / self.environment.env_file)

    def connection(self, name: str) -> Connection:
        """A connection by its name.

        :raises ConfigError: the environment has no such connection.
        """
        known = self.environment.connections
        if name not in known:
            hint = did_you_mean(name, known)
            raise ConfigError(f"there is no connection '{name}' in environments.yml", hint=hint)
        return known[name]

    def folders(self, pipeline: Pipeline) -> list[Path]:
        """The folders that the engine reads and writes for a pipeline: nothing else is open to SQL.

        :raises ConfigError: a setting cannot be looked up.
        """
        names = dict.fromkeys(source.connection for source in pipeline.sources.values())
        known = self.environment.connections
        places = [known[name].folders(self.root) for name in names if name in known]
        return [self.staging.path, *(folder for place in places for folder in place)]

    def warehouse(self, name: str, *, read_only: bool = False) -> Warehouse:
        """Open the warehouse behind a connection; a `with` statement closes it.

        :raises ConfigError: there is no such connection, or it cannot hold targets.
        :raises DataMissingError: it is opened read-only, and does not exist yet.
        :raises RetryableError: it does not answer, or another process has it open.
        """
        connection = self.connection(name)
        return open_warehouse(connection, self.root, read_only=read_only, home=self.home(name))

    @cached_property
    def place(self) -> Place:
        """The environment's own place, if it has one.

        :raises ConfigError: a value in its name is not known.
        """
        return self.environment.place(self.root)

    @cached_property
    def salt(self) -> str:
        """The secret that values of persons are hashed with.

        :raises ConfigError: the environment names none, it cannot be looked up, or it is short.
        """
        if not self.environment.salt:
            hint = 'write `salt: "{{ env.ETL_SALT }}"` in environments.yml, and set the variable'
            raise ConfigError("the environment has no `salt` to hash values with", hint=hint)
        salt = resolve(self.environment.salt, setting="salt")
        keep_secret(salt)
        if len(salt) < SHORTEST_SALT:
            hint = "make one with: openssl rand -hex 32"
            raise ConfigError(f"the salt has fewer than {SHORTEST_SALT} characters", hint=hint)
        return salt

    def home(self, name: str) -> str:
        """The schema of tables that are named without one, behind a connection.

        It is empty if the environment has no place of its own.
        """
        return self.place.home(usual_schema(self.environment, name))

    def ledger_rows(
        self,
        name: str,
        columns: list[str],
        where: str,
        values: Sequence[Any],
        table: str = ledger.TABLE,
    ) -> list[tuple[Any, ...]]:
        """Rows of the ledger behind a connection; none if nothing was ever published.

        :param where: the condition after WHERE, with `?` for values.
        :param table: the ledger itself, or a table beside it.
        :raises RetryableError: the warehouse does not answer.
        """
        connection, home = self.connection(name), self.home(name)
        return ledger_rows(connection, self.root, columns, where, values, table, home=home)

    @cached_property
    def staging(self) -> Staging:
        """Where relations are kept between steps.

        :raises ConfigError: a setting cannot be looked up, or the folder is outside the project.
        """
        folder = self.place.folder
        if prefix := self.staging_prefix():
            return Staging(self.root / self.environment.work / folder, prefix)
        try:
            return Staging(inside(self.root, self._staging) / folder)
        except ValueError as error:
            raise ConfigError(f"staging: {error}") from error

    def staging_prefix(self, *, attempts: int = ATTEMPTS) -> S3Prefix | None:
        """The place of staging in S3; None if staging is a folder.

        :param attempts: how often to ask S3 before giving up.
        :raises ConfigError: a setting cannot be looked up.
        """
        if not self._staging.startswith("s3://"):
            return None
        place = "/".join(filter(None, (self._staging.rstrip("/"), self.place.folder)))
        return self._in_s3(place, self.environment.staging_connection, attempts)

    def report_prefix(self, address: str = "") -> S3Prefix:
        """The place in S3 where people read the report.

        :param address: `s3://bucket/prefix`; that of the environment if not given.
        :raises ConfigError: there is none, it is none in S3, or a setting cannot be looked up.
        """
        environment = self.environment
        if not address and not environment.report:
            hint = "write `report: s3://bucket/prefix` in environments.yml, or give it here"
            raise ConfigError("nothing says where the report is published", hint=hint)
        place = address or resolve(environment.report or "", setting="report")
        if not place.startswith("s3://") or place.startswith("s3:///") or place == "s3://":
            raise ConfigError(f"'{place}' is no place in S3", hint="write s3://bucket/prefix")
        connection = environment.report_connection or environment.staging_connection
        return self._in_s3(place, connection, ATTEMPTS)

    def _in_s3(self, address: str, name: str | None, attempts: int) -> S3Prefix:
        """A place in S3, reached by a connection, or with what boto3 finds if it has no name."""
        bucket, _, prefix = address.removeprefix("s3://").partition("/")
        known = self.environment.connections.get(name or "")
        connection = known if isinstance(known, S3) else S3(type="s3", bucket=bucket)
        return connection.open(bucket, prefix, attempts=attempts)

    @property
    def _staging(self) -> str:
        return resolve(self.environment.staging, setting="staging")
