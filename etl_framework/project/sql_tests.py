"""Unit tests of SQL: given input rows, and the rows that the SQL must return for them."""

from __future__ import annotations

import datetime

from pydantic import Field, model_validator

from etl_framework.columns import ColumnName
from etl_framework.model import Model, Name, wrong_at

Value = bool | int | float | str | datetime.datetime | datetime.date | None
Row = dict[ColumnName, Value]


class SqlTest(Model):
    """One example of what a transform or KPI makes of its inputs."""

    name: Name = Field(description="What the example shows: `a_repeat_counts_once`.")
    description: str = Field("", description="Why it matters.")
    date: datetime.date | None = Field(
        None, description="The day that the data interval starts on; if not given any will do."
    )
    given: dict[Name, list[Row]] = Field(
        description="Rows of inputs, or of inputs' inputs. A source that is not given is empty, a "
        "transform that is not given is computed; a column that is not given is NULL."
    )
    expect: list[Row] = Field(
        description="Every row of the result, in any order; columns that no row names are not "
        "compared."
    )

    @model_validator(mode="after")
    def _rows_of_one_shape(self) -> SqlTest:
        for row in self.expect[1:]:
            if set(row) != set(self.expect[0]):
                raise ValueError("the rows of 'expect' name different columns")
        return self

    def expected_columns(self) -> list[str]:
        """The columns to compare."""
        return list(self.expect[0]) if self.expect else []


def names_once(tests: list[SqlTest]) -> list[SqlTest]:
    """Refuse two tests with the same name.

    :raises PydanticCustomError: two tests have the same name; the error has the second's place.
    """
    seen: set[str] = set()
    for index, test in enumerate(tests):
        if test.name in seen:
            raise wrong_at(f"two tests are called '{test.name}'", index, "name")
        seen.add(test.name)
    return tests
