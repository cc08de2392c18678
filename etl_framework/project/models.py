"""The shape of pipeline files: everything that one can say."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Literal
from zoneinfo import ZoneInfo, available_timezones

from pydantic import AfterValidator, Field, field_validator, model_validator

from etl_framework.columns import Column, Columns
from etl_framework.errors import did_you_mean
from etl_framework.interval import NONE, DataInterval, Schedule, Span, first_interval, valid_cron
from etl_framework.model import Model, Name, Params, wrong_at
from etl_framework.plugins import one_of
from etl_framework.project.notify import AnyNotify
from etl_framework.project.params import Param
from etl_framework.project.sql_tests import SqlTest, names_once
from etl_framework.project.window import Window
from etl_framework.sources.base import AnyCheck, Source
from etl_framework.targets.columns import TargetColumns
from etl_framework.targets.target import Target

if TYPE_CHECKING:
    AnySource = Source
else:
    AnySource = one_of(Source)


class Query(Model):
    """What transforms and KPIs share."""

    description: str = Field("", description="What the rows are.")
    params: Params = Field({}, description="Values that the template may use: `{{ params.x }}`.")
    reads: dict[Name, Window] = Field(
        {},
        examples=[{"daily_listens": "7d"}],
        description="KPIs whose rows of other data intervals are read too, from their tables: those"
        " of a span of time that ends with the run's, or `all`; `this` is the KPI's own table. A"
        " history, of strategy `scd2`, is read with `all`.",
    )
    checks: list[AnyCheck] = Field([], description="Rules that the result keeps.")
    tests: Annotated[list[SqlTest], AfterValidator(names_once)] = Field(
        [], description="Examples: rows that are given, and the rows that must come of them."
    )

    @property
    def staged(self) -> Sequence[Column]:
        """The columns as they lie in staging: those that the block declares."""
        columns: Sequence[Column] = getattr(self, "columns", ())
        return columns


class Transform(Query):
    """A relation made of others: cleaned, joined, enriched. By SQL, or by a Python function."""

    sql: str | None = Field(
        None,
        examples=["music_streaming/listens.sql"],
        description="File under `sql_templates/`.",
    )
    python: str | None = Field(
        None,
        pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$",
        examples=["my_package.sessions:cut"],
        description="Function that takes and returns pandas DataFrames: `package.module:function`.",
    )
    inputs: list[Name] = Field([], description="With `python`: relations, passed by their names.")
    chunk_rows: int | None = Field(
        None, gt=0, description="With `python` and one input: call it for so many rows at a time."
    )
    columns: Columns = Field(
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


class Exposure(Model):
    """Who reads a KPI outside the pipelines: a dashboard, a report, a service."""

    name: str = Field(min_length=1, description="What it is called, for example `Sales dashboard`.")
    url: str | None = Field(None, pattern=r"^https?://\S+$", description="Where it is found.")
    owner: str = Field("", description="The team to ask before the KPI changes.")


class Kpi(Query):
    """One result table, from a SQL template."""

    sql: str = Field(
        examples=["music_streaming/kpis_genre.sql"], description="File under `sql_templates/`."
    )
    target: Target = Field(description="The table that the rows go to.")
    columns: TargetColumns = Field(
        min_length=1, description="The table's contract: names and types in order."
    )
    exposures: list[Exposure] = Field(
        [],
        examples=[[{"name": "Sales dashboard", "url": "https://bi.example/sales"}]],
        description="Who reads the table outside the pipelines, for the pages of `etl report`.",
    )

    @model_validator(mode="after")
    def _keys_exist(self) -> Kpi:
        names = [column.name for column in self.columns]
        target = self.target
        for column in target.loads_by.own_columns(target):
            if column.name.lower() in map(str.lower, names):
                message = f"'{column.name}' is a column of the KPI, and of the strategy"
                raise wrong_at(message, "target", "interval_column")
        given: dict[tuple[str | int, ...], str | None] = {
            ("incremental_key",): target.incremental_key,
            ("updated_at",): target.updated_at,
            ("dist_key",): target.dist_key,
            **{("unique_key", index): key for index, key in enumerate(target.unique_key)},
            **{("sort_key", index): key for index, key in enumerate(target.sort_key)},
        }
        layout = [*names, *(column.name for column in target.loads_by.own_columns(target))]
        for at, key in given.items():
            if key and key not in (layout if at[0] in ("sort_key", "dist_key") else names):
                hint = did_you_mean(key, names)
                message = f"the target's key '{key}' is not one of 'columns'; {hint}"
                raise wrong_at(message, "target", *at)
        types = {column.name: column.type.family for column in self.columns}
        for name in ("incremental_key", "updated_at"):
            placed = getattr(target, name)
            if placed and types[placed] not in ("date", "timestamp", "timestamptz"):
                message = f"'{name}' is a date or timestamp, and '{placed}' is not"
                raise wrong_at(message, "target", name)
        return self


class Pipeline(Model):
    """One pipeline: what it reads, what must be true of it, what it makes, where that goes."""

    name: Name = Field(description="Name of the pipeline, as its file is called.")
    description: str = Field("", description="What the pipeline is for.")
    owner: str = Field("", description="The team to ask.")
    schedule: str = Field(
        NONE,
        examples=["0 3 * * *", "@daily", "@hourly", NONE],
        description="Cron expression, `@daily` and the like, or `none`; cuts the data intervals.",
    )
    timezone: str = Field(
        "UTC",
        examples=["UTC", "Europe/Berlin"],
        description="Time zone of the schedule and of the data intervals.",
    )
    start_date: date | None = Field(
        None, examples=["2024-06-25"], description="The first day with data."
    )
    after: list[Annotated[str, Field(pattern=r"^\w+\.\w+$")]] = Field(
        [],
        examples=[["music_streaming.kpis_genre"]],
        description="In Airflow: run when these KPIs of other pipelines were published, each"
        " written `pipeline.kpi`; with a `schedule`, at those times too.",
    )
    catchup: bool = Field(
        False, description="In Airflow: run every data interval since `start_date`."
    )
    publish: Literal["together", "each"] = Field(
        "together",
        description="`together`: all KPIs are published in one transaction, or none. `each`: every"
        " KPI by itself, so that a check that fails holds back no other KPI; the run fails still.",
    )
    max_active_runs: int = Field(1, gt=0, description="In Airflow: runs at the same time.")
    retries: int = Field(
        3, ge=0, description="In Airflow: how often a step is tried again after a lost connection."
    )
    retry_delay: Span = Field(
        "1m",
        validate_default=True,
        description="In Airflow: the first wait; each further one is longer.",
    )
    deadline: Span | None = Field(
        None,
        description="In Airflow: how long a run may take before those under `notify` hear `late`.",
    )
    pool: str | None = Field(None, description="In Airflow: the pool that the steps run in.")
    notify: list[AnyNotify] = Field([], description="In Airflow: whom to tell, of what.")
    tags: list[str] = Field([], description="In Airflow: words to find the pipeline by.")
    params: dict[Name, Param] = Field(
        {},
        examples=[{"min_listens": 10, "country": {"type": "string", "choices": ["de", "at"]}}],
        description="Values that all templates and paths may use, `{{ params.x }}`; a plain value"
        " is the default. A run is given others by `--var x=value`, in Airflow by the trigger's"
        " form, an environment by its `params`.",
    )
    sources: dict[Name, AnySource] = Field(min_length=1, description="Where rows come from.")
    transforms: dict[Name, Transform] = Field({}, description="Relations made of other relations.")
    kpis: dict[Name, Kpi] = Field({}, description="Result tables.")

    @field_validator("schedule")
    @classmethod
    def _cron(cls, value: str) -> str:
        if not valid_cron(value):
            raise ValueError(
                f"'{value}' is not a cron expression, a preset such as @daily, or none;"
                " five fields: minute 0-59, hour 0-23, day 1-31, month 1-12, weekday 0-6"
            )
        return value

    @field_validator("timezone")
    @classmethod
    def _zone(cls, value: str) -> str:
        zones = available_timezones()
        if value not in zones:
            hint = did_you_mean(value, zones)
            near = f"; {hint}" if hint.startswith("did") else ""
            if value.isalpha() and value.isupper():  # CEST is near to EST, which lies elsewhere
                near = "; write that of a city, such as Europe/Berlin"
            raise ValueError(f"unknown time zone '{value}'{near}")
        return value

    @model_validator(mode="after")
    def _said_once(self) -> Pipeline:
        for section, queries in (("transforms", self.transforms), ("kpis", self.kpis)):
            for name, query in queries.items():
                if twice := sorted(query.params.keys() & self.params.keys()):
                    message = f"'{twice[0]}' is one of the pipeline's params, too"
                    raise wrong_at(message, section, name, "params", twice[0])
        return self

    def cut(self) -> Schedule:
        """The schedule in the pipeline's time zone."""
        return Schedule(self.schedule, ZoneInfo(self.timezone))

    def target_connections(self) -> list[str]:
        """The connections of all targets; each of their databases has a ledger."""
        return sorted({kpi.target.connection for kpi in self.kpis.values()})

    def some_interval(self, day: date | None = None) -> DataInterval:
        """The first data interval on or after `day`, else `start_date`; always the same one."""
        first = day or self.start_date or date(2024, 1, 1)
        return first_interval(self.cut(), first)

    def sensitive(self) -> set[str]:
        """The names, in lower case, of the columns whose values no report shows."""
        blocks = self.relations().values()
        return {c.name.lower() for block in blocks for c in block.columns if c.sensitive}

    def queries(self) -> dict[str, Transform | Kpi]:
        """The transforms and KPIs, which are made from other relations."""
        return {**self.transforms, **self.kpis}

    def relations(self) -> dict[str, Source | Transform | Kpi]:
        """The sources, transforms and KPIs, which SQL can name, in the file's order."""
        return {**self.sources, **self.queries()}
