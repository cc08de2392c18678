"""The target of a KPI: its table, how a run changes the rows, and its layout in Redshift."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from etl_framework.columns import TABLE_NAME
from etl_framework.model import Model, Name
from etl_framework.targets.strategies import Strategy, strategy, strategy_names

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
        " interval, by `incremental_key`, are replaced. Installed packages may add others.",
    )
    unique_key: list[str] = Field([], description="For `merge`: columns that tell rows apart.")
    incremental_key: str | None = Field(
        None, description="For `delete+insert`: the date or timestamp that places a row in time."
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
        if self.dist_key and self.dist_style:
            raise ValueError("give either 'dist_style' or 'dist_key'")
        return self

    @property
    def loads_by(self) -> Strategy:
        """The strategy that the target names."""
        return strategy(self.strategy)
