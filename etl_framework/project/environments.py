"""The shape of `environments.yml`: the connections of every environment, and how runs work."""

from __future__ import annotations

import re
from collections.abc import Iterable
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field, field_validator, model_validator

from etl_framework.columns import PersonalKind
from etl_framework.connections.base import Connection
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.errors import did_you_mean
from etl_framework.interval import Span
from etl_framework.model import Model, Name, wrong_at
from etl_framework.plugins import engine_class, engine_names, one_of
from etl_framework.project.params import Scalar
from etl_framework.project.place import WRITTEN, Place, looked_up

if TYPE_CHECKING:
    from etl_framework.project.models import Pipeline

    AnyConnection = Connection
    EngineName = str
else:
    AnyConnection = one_of(Connection)
    EngineName = Literal[engine_names()]

# In every folder and prefix that a report was written to; no other is written over.
REPORT_MARK = ".etl-report"


class Environment(Model):
    """What the connections of pipelines are in one place, and how runs work there."""

    engine: EngineName = Field(
        "duckdb",
        description="What runs checks and SQL: DuckDB where the step runs, or the cluster.",
    )
    engine_connection: Name | None = Field(
        None, description="With `redshift`: the cluster, where there is more than one."
    )
    staging: str = Field(
        ".etl/staging",
        examples=[".etl/staging", "s3://bucket/prefix", "s3://{{ var.s3_bucket }}/staging"],
        description="Where relations lie between steps: a folder, or `s3://bucket/prefix`.",
    )
    staging_connection: Name | None = Field(
        None, description="With S3: the connection whose credentials and KMS key staging uses."
    )
    staging_days: int = Field(
        7,
        ge=0,
        description="In S3 and in a cluster: how long leftovers of runs stay before `etl clean`, or"
        " the next run of the data interval, deletes them.",
    )
    retention: dict[PersonalKind | Literal["other"], Span] = Field(
        {},
        examples=[{"email": "30d", "free text": "7d", "other": "90d"}],
        description="How long outputs with unmasked sensitive values stay in staging, and rows in"
        " quarantine, before `etl clean` deletes them: by what the values tell, `other` for"
        " `sensitive: true`.",
    )
    history_days: int = Field(
        400, ge=1, description="How long records of runs stay before `etl clean` deletes them."
    )
    history_tables: bool = Field(
        True,
        description="Copy the records of runs into the tables `etl_runs` and `etl_checks`, beside"
        " the targets.",
    )
    work: str = Field(
        ".etl/work", description="With S3: the folder for files of staging while they are used."
    )
    own_schema: str | None = Field(
        None,
        alias="schema",
        pattern=WRITTEN,
        examples=["dev_{{ user }}"],
        description="A place of one's own: all tables lie in this schema, whatever schema pipelines"
        " name. `{{ user }}`, `{{ branch }}` and `{{ env.NAME }}` may stand in it.",
    )
    prefix: str | None = Field(
        None,
        pattern=WRITTEN,
        examples=["pr_{{ branch }}_"],
        description="A place of one's own: what stands before the name of each schema. Values as in"
        " `schema`.",
    )
    protected: Literal["ci"] | bool = Field(
        False,
        description="`true`: commands write there only with `--yes`. `ci`: only in CI, where the"
        " variable CI is set.",
    )
    salt: str | None = Field(
        None,
        examples=["{{ env.ETL_SALT }}", "{{ var.etl_salt }}"],
        description="Where the secret is that `mask: hash` and `etl forget` hash values with, of 16"
        " or more characters. It never changes: with another one nothing fits what was there.",
    )
    env_file: str | None = Field(
        None,
        description="File of NAME=value lines for `{{ env.NAME }}`, by the rules of python-dotenv;"
        " what is set already counts.",
    )
    memory_limit: str = Field(
        "400MB",
        pattern=r"^\d+(\.\d+)? ?(MB|GB|MiB|GiB)$",
        examples=["400MB", "2GB"],
        description="Memory for the engine; what does not fit goes to disk.",
    )
    threads: int | None = Field(
        None, gt=0, description="Threads of the engine; if not given one per core, at least four."
    )
    serverless: bool = Field(
        False, description="Runs on MWAA Serverless: lint then says what cannot run there."
    )
    report: str | None = Field(
        None,
        pattern=r"^(s3://[^/]|\{\{)",
        examples=["s3://bucket/report", "s3://{{ var.s3_bucket }}/report"],
        description="Where `etl report --publish`, and on Airflow a task after each run, put the"
        " pages: `s3://bucket/prefix`.",
    )
    report_connection: Name | None = Field(
        None,
        description="The connection whose credentials and KMS key the report uses; that of staging"
        " if not given.",
    )
    report_url: str | None = Field(
        None,
        pattern=r"^https://[^\s/]",
        examples=["https://reports.example/music"],
        description="Where people read the pages: tasks of Airflow and messages link there.",
    )
    params: dict[Annotated[str, Field(pattern=r"^\w+(\.\w+)?$")], Scalar | date] = Field(
        {},
        examples=[{"country": "de", "music_streaming.min_listens": 10}],
        description="Values for the `params` of pipelines, by name or `pipeline.name`.",
    )
    connections: dict[Name, AnyConnection] = Field(description="Each connection by its name.")

    @field_validator("salt")
    @classmethod
    def _salt_is_elsewhere(cls, value: str | None) -> str | None:
        if value and not re.fullmatch(r"\{\{ *(env|var)\.\w+ *\}\}", value):
            raise ValueError("a salt is a secret: name where it is, {{ env.ETL_SALT }}")
        return value

    @model_validator(mode="after")
    def _staging_is_known(self) -> Environment:
        for key in ("staging_connection", "report_connection"):
            name = getattr(self, key)
            if name and not isinstance(self.connections.get(name), S3):
                raise wrong_at(f"'{key}' names no connection of type s3: '{name}'", key)
        of_redshift = [n for n, c in self.connections.items() if isinstance(c, Redshift)]
        if of_redshift and not self.may_stage_in_s3:
            raise ValueError(
                f"'{of_redshift[0]}' reads what it loads from S3: write `staging: s3://bucket/prefix`"
            )
        return self

    @model_validator(mode="after")
    def _one_place(self) -> Environment:
        if self.own_schema and self.prefix:
            raise wrong_at("give either 'schema' or 'prefix'", "prefix")
        return self

    @model_validator(mode="after")
    def _engine_can_run(self) -> Environment:
        if problem := engine_class(self.engine)().problem(self):
            raise ValueError(problem)
        return self

    def used(self, pipelines: Iterable[Pipeline]) -> dict[str, Connection]:
        """The connections that pipelines, staging, the engine and the report use, by name."""
        names = {self.staging_connection, self.engine_connection}
        if self.report:
            names.add(self.report_connection)
        for pipeline in pipelines:
            names |= {source.connection for source in pipeline.sources.values()}
            names.update(pipeline.target_connections())
        return {name: c for name, c in sorted(self.connections.items()) if name in names}

    def cluster(self) -> Redshift:
        """The cluster that runs steps if the engine is `redshift`.

        :raises ValueError: there is no cluster, or several and none of them is chosen.
        """
        known = {n: c for n, c in self.connections.items() if isinstance(c, Redshift)}
        if self.engine_connection:
            known = {n: c for n, c in known.items() if n == self.engine_connection}
        if len(known) != 1:
            raise ValueError(
                "the engine redshift needs one connection of type redshift, or 'engine_connection'"
            )
        return next(iter(known.values()))

    @property
    def has_place(self) -> bool:
        """Whether tables lie in a place of the environment's own."""
        return bool(self.own_schema or self.prefix)

    @property
    def place_as_written(self) -> Place:
        """The environment's own place, by the name that the file gives it."""
        return Place(self.own_schema or "", self.prefix or "")

    def place(self, root: Path) -> Place:
        """The environment's own place; an empty one if its tables lie where pipelines say.

        :param root: the project's folder.
        :raises ConfigError: a value in its name is not known.
        """
        schema, prefix = (looked_up(text or "", root) for text in (self.own_schema, self.prefix))
        return Place(schema, prefix)

    @property
    def may_stage_in_s3(self) -> bool:
        """Whether staging is in S3; true also if a variable says where, so that it may be."""
        return self.staging.startswith(("s3://", "{{"))


class Environments(Model):
    """`environments.yml`."""

    default: Name = Field(description="The environment when none is named.")
    environments: dict[Name, Environment] = Field(min_length=1, description="Each by its name.")

    @model_validator(mode="after")
    def _default_exists(self) -> Environments:
        if self.default not in self.environments:
            hint = did_you_mean(self.default, self.environments)
            raise wrong_at(f"'default' names no environment; {hint}", "default")
        return self
