"""The shape of the files: everything that a pipeline or an environment can say."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from etl_framework.checks.base import Check
from etl_framework.columns import Column
from etl_framework.config.sql_tests import SqlTest, names_once
from etl_framework.connections.base import Connection
from etl_framework.connections.redshift import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.connections.settings import load_env_file, resolve
from etl_framework.errors import did_you_mean
from etl_framework.interval import NONE, DataInterval, Schedule, valid_cron
from etl_framework.model import Model, Name
from etl_framework.plugins import one_of
from etl_framework.sources.base import AnyCheck, Source
from etl_framework.storage.staging import Staging
from etl_framework.targets.target import Target

if TYPE_CHECKING:
    AnySource = Source
    AnyConnection = Connection
else:
    AnySource = one_of(Source)
    AnyConnection = one_of(Connection)

Params = dict[Name, bool | int | float | str | list[int | float | str]]


class Query(Model):
    """What transforms and KPIs share."""

    description: str = Field("", description="What the rows are.")
    params: Params = Field({}, description="Values that the template may use: `{{ params.x }}`.")
    checks: list[AnyCheck] = Field([], description="Rules that the result keeps.")
    tests: Annotated[list[SqlTest], AfterValidator(names_once)] = Field(
        [], description="Examples: rows that are given, and the rows that must come of them."
    )


class Transform(Query):
    """A relation made of others: cleaned, joined, enriched. By SQL, or by a Python function."""

    sql: str | None = Field(
        None, description="File under `sql_templates/`, for example `music_streaming/listens.sql`."
    )
    python: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        description="Function that takes and returns pandas DataFrames: `package.module:function`.",
    )
    inputs: list[Name] = Field([], description="With `python`: relations, passed by their names.")
    chunk_rows: int | None = Field(
        None, gt=0, description="With `python` and one input: call it for so many rows at a time."
    )
    columns: list[Column] = Field(
        [], description="The result's names and types in order; `python` needs them."
    )

    @model_validator(mode="after")
    def _one_way(self) -> Transform:
        if (self.sql is None) == (self.python is None):
            raise ValueError("give either 'sql' or 'python'")
        if self.sql and (self.inputs or self.chunk_rows):
            raise ValueError("'inputs' and 'chunk_rows' are for 'python'; SQL names its own inputs")
        if self.python and not (self.inputs and self.columns):
            raise ValueError("'python' needs 'inputs' and 'columns'")
        if self.chunk_rows and len(self.inputs) != 1:
            raise ValueError("'chunk_rows' needs exactly one of 'inputs'")
        return self


class Kpi(Query):
    """One result table, from a SQL template."""

    sql: str = Field(description="File under `sql_templates/`, for example `daily_total.sql`.")
    target: Target = Field(description="The table that the rows go to.")
    columns: list[Column] = Field(
        min_length=1, description="The table's contract: names and types in order."
    )

    @model_validator(mode="after")
    def _keys_exist(self) -> Kpi:
        names = [column.name for column in self.columns]
        target = self.target
        given = [*target.unique_key, target.incremental_key, target.dist_key, *target.sort_key]
        for key in filter(None, given):
            if key not in names:
                raise ValueError(f"the target's key '{key}' is not one of 'columns'")
        placed = self.target.incremental_key
        types = {column.name: column.type.family for column in self.columns}
        if placed and types[placed] not in ("date", "timestamp", "timestamptz"):
            raise ValueError(f"'incremental_key' is a date or timestamp, and '{placed}' is not")
        return self


class Pipeline(Model):
    """One pipeline: what it reads, what must be true of it, what it makes, where that goes."""

    name: Name = Field(description="Name of the pipeline, as its file is called.")
    description: str = Field("", description="What the pipeline is for.")
    owner: str = Field("", description="The team to ask.")
    schedule: str = Field(
        NONE,
        description="Cron expression, `@daily` and the like, or `none`; cuts the data intervals.",
    )
    timezone: str = Field("UTC", description="Time zone of the schedule and of the data intervals.")
    start_date: date | None = Field(None, description="The first day with data.")
    sources: dict[Name, AnySource] = Field(min_length=1, description="Where rows come from.")
    transforms: dict[Name, Transform] = Field({}, description="Relations made of other relations.")
    kpis: dict[Name, Kpi] = Field({}, description="Result tables.")

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        if not valid_cron(value):
            raise ValueError(
                f"'{value}' is not a cron expression, a preset such as @daily, or none"
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zones = available_timezones()
        if value not in zones:
            hint = did_you_mean(value, zones)
            near = f"; {hint}" if hint.startswith("did") else ""
            raise ValueError(f"unknown time zone '{value}'{near}")
        return value

    def cut(self) -> Schedule:
        """The schedule in the pipeline's time zone."""
        return Schedule(self.schedule, ZoneInfo(self.timezone))

    def some_interval(self, day: date | None = None) -> DataInterval:
        """The first data interval from `day` on, else of all: the same whenever it is asked for."""
        first = day or self.start_date or date(2024, 1, 1)
        return next(self.cut().intervals_from(first))

    def sensitive(self) -> set[str]:
        """Lower-case names of the columns whose values no report shows."""
        blocks = self.relations().values()
        return {c.name.lower() for block in blocks for c in block.columns if c.sensitive}

    def queries(self) -> dict[str, Transform | Kpi]:
        """Everything that is made of other relations."""
        return {**self.transforms, **self.kpis}

    def relations(self) -> dict[str, Source | Transform | Kpi]:
        """Everything that SQL can name, in the file's order."""
        return {**self.sources, **self.queries()}


class Environment(Model):
    """What the connections of pipelines are in one place, and how runs work there."""

    engine: Literal["duckdb", "redshift"] = Field(
        "duckdb",
        description="What runs checks and SQL: DuckDB where the step runs, or the cluster.",
    )
    engine_connection: Name | None = Field(
        None, description="With `redshift`: the cluster, where there is more than one."
    )
    staging: str = Field(
        ".etl/staging",
        description="Where relations lie between steps: a folder, or `s3://bucket/prefix`.",
    )
    staging_connection: Name | None = Field(
        None, description="With S3: the connection whose credentials and KMS key staging uses."
    )
    work: str = Field(
        ".etl/work", description="With S3: the folder for files of staging while they are used."
    )
    env_file: str | None = Field(
        None,
        description="File of NAME=value lines for `{{ env.NAME }}`; what is set already counts.",
    )
    memory_limit: str = Field(
        "400MB",
        pattern=r"^\d+(\.\d+)? ?(MB|GB|MiB|GiB)$",
        description="Memory for the engine; what does not fit goes to disk.",
    )
    threads: int | None = Field(
        None, gt=0, description="Threads of the engine; if not given one per core, at least four."
    )
    connections: dict[Name, AnyConnection] = Field(description="Each connection by its name.")

    @model_validator(mode="after")
    def _staging_is_known(self) -> Environment:
        name = self.staging_connection
        if name and not isinstance(self.connections.get(name), S3):
            raise ValueError(f"'staging_connection' names no connection of type s3: '{name}'")
        of_redshift = [n for n, c in self.connections.items() if isinstance(c, Redshift)]
        if of_redshift and not self._in_s3():
            raise ValueError(
                f"'{of_redshift[0]}' reads what it loads from S3: write `staging: s3://bucket/prefix`"
            )
        return self

    @model_validator(mode="after")
    def _cluster_is_known(self) -> Environment:
        if self.engine == "redshift":
            self.cluster()
        return self

    def cluster(self) -> Redshift:
        """The cluster that runs steps, with the engine `redshift`.

        :raises ValueError: there is none, or it is not told which.
        """
        known = {n: c for n, c in self.connections.items() if isinstance(c, Redshift)}
        if self.engine_connection:
            known = {n: c for n, c in known.items() if n == self.engine_connection}
        if len(known) != 1:
            raise ValueError(
                "the engine redshift needs one connection of type redshift, or 'engine_connection'"
            )
        return next(iter(known.values()))

    def _in_s3(self) -> bool:
        return self.staging.startswith(("s3://", "{{"))

    def open_staging(self, root: Path) -> Staging:
        """Where relations lie between steps.

        :param root: the project's folder.
        :raises ConfigError: a setting cannot be looked up.
        """
        self.load_variables(root)
        if not self._in_s3():
            return Staging(root / self.staging)
        place = resolve(self.staging, setting="staging")
        bucket, _, prefix = place.removeprefix("s3://").partition("/")
        known = self.connections.get(self.staging_connection or "")
        s3 = known if isinstance(known, S3) else S3(type="s3", bucket=bucket)
        return Staging(root / self.work, s3.open(bucket, prefix))

    def load_variables(self, root: Path) -> None:
        """Set the variables of `env_file` for this process, where they are not set.

        :raises ConfigError: the file is not there.
        """
        if self.env_file:
            load_env_file(root / self.env_file)


class Environments(Model):
    """`environments.yml`."""

    default: Name = Field(description="The environment when none is named.")
    environments: dict[Name, Environment] = Field(min_length=1, description="Each by its name.")

    @model_validator(mode="after")
    def _default_exists(self) -> Environments:
        if self.default not in self.environments:
            raise ValueError(
                f"'default' names no environment; {did_you_mean(self.default, self.environments)}"
            )
        return self


__all__ = ["Check", "Environment", "Environments", "Kpi", "Pipeline", "Query", "Transform"]
