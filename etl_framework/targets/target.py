"""The target of a KPI: its table, how a run changes the rows, and its layout in Redshift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from etl_framework.columns import TABLE_NAME, ColumnName
from etl_framework.model import Model, Name, wrong_at
from etl_framework.targets.strategies import (
    CHANGES,
    ENDINGS,
    INTERVAL_COLUMN,
    MERGE_ALL,
    Strategy,
    strategy,
    strategy_names,
)

if TYPE_CHECKING:
    StrategyName = str
else:
    StrategyName = Literal[strategy_names()]


class Target(Model):
    """The table that a KPI's rows go to."""

    connection: Name = Field(description="Where the table lies, a name in `environments.yml`.")
    table: str = Field(pattern=TABLE_NAME, description="The table, with its schema if it has one.")
    strategy: StrategyName = Field(
        "replace",
        description="`replace`: the run's rows are the table. `append`: added once per interval."
        " `merge`: rows of the same `unique_key` are replaced. `delete+insert`: rows of the data"
        " interval, by `incremental_key`, are replaced. `snapshot`: a copy of all rows is kept for"
        " each interval. `truncate+insert`: as `replace`. `scd2`: a version of a row for as long as"
        " it was so, by `unique_key`. Installed packages may add others.",
    )
    unique_key: list[str] = Field([], description="For `merge`: columns that tell rows apart.")
    incremental_key: str | None = Field(
        None, description="For `delete+insert`: the date or timestamp that places a row in time."
    )
    updated_at: str | None = Field(
        None,
        description="For `scd2`: the date or timestamp that says when a row has changed. A version"
        " begins then, and not with the data interval.",
    )
    on_missing: Literal["keep", "delete", "close"] | None = Field(
        None,
        description="What becomes of a row that a run does not give. For `merge`: `keep` (the"
        " default) or `delete`, where each run brings all rows. For `scd2`: `keep`, or `close` its"
        " version, which is the default where the source is read whole, unless there is an"
        " `updated_at`.",
    )
    rows_of: Literal["interval", "all"] | None = Field(
        None,
        description="What a run is meant to bring, where lint finds that it does not fit the"
        " strategy: `interval`, the rows of its data interval alone, or `all` that there are.",
    )
    interval_column: ColumnName | Literal[False] = Field(
        INTERVAL_COLUMN,
        description="For `append`, `merge`, `snapshot`, and `scd2` with `updated_at`: the column of"
        " the table, beside those of the KPI, that says which data interval a row came from, so"
        " that a rerun can replace it; `false` for none.",
    )
    restate: Literal["allow", "never"] = Field(
        "allow",
        description="`never`: the table takes each data interval once, and no rerun changes it.",
    )
    create: bool = Field(True, description="Whether a run may make the table when it is missing.")
    dist_style: Literal["auto", "even", "all"] | None = Field(
        None, description="In Redshift: how rows are spread over the nodes."
    )
    dist_key: str | None = Field(
        None, description="In Redshift: rows of the same value lie on the same node."
    )
    sort_key: list[str] = Field([], description="In Redshift: columns that rows are sorted by.")

    @model_validator(mode="after")
    def _keys_of_the_strategy(self) -> Target:
        for key in self.loads_by.keys:
            if not getattr(self, key):
                raise ValueError(f"strategy '{self.strategy}' needs '{key}'")
        if self.updated_at and self.strategy != "scd2":
            raise wrong_at(f"strategy '{self.strategy}' has no 'updated_at'", "updated_at")
        if self.on_missing and self.on_missing not in self.loads_by.missing:
            known = " or ".join(self.loads_by.missing)
            how = " with updated_at" if self.updated_at else ""
            message = f"strategy '{self.strategy}'{how} has no on_missing: {self.on_missing}"
            raise wrong_at(f"{message}; write {known}" if known else message, "on_missing")
        if self.dist_key and self.dist_style:
            raise ValueError("give either 'dist_style' or 'dist_key'")
        return self

    @property
    def loads_by(self) -> Strategy:
        """The strategy that the target names.

        `merge` is another where it deletes what is gone, and `scd2` where rows say when they have
        changed.
        """
        if self.updated_at:
            return ENDINGS if self.on_missing == "close" else CHANGES
        if self.strategy == "merge" and self.on_missing == "delete":
            return MERGE_ALL
        return strategy(self.strategy)
