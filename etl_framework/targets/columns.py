"""Columns of a KPI's table, which may have had another name."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field

from etl_framework.columns import Column, ColumnName, names_apart
from etl_framework.model import wrong_at


class TargetColumn(Column):
    """A column of a KPI."""

    was: ColumnName | None = Field(
        None,
        examples=["listens"],
        description="The name that the table's column had before; it is renamed, with its values.",
    )


def renamed_once(columns: list[TargetColumn]) -> list[TargetColumn]:
    """Return the same columns if no former name is that of a column, or of two.

    :raises PydanticCustomError: one is; the error has its place.
    """
    taken = {column.name.lower() for column in names_apart(columns)}
    for index, column in enumerate(columns):
        if column.was and column.was.lower() in taken:
            message = f"'{column.was}' cannot be renamed: another column is called so"
            raise wrong_at(message, index, "was")
        if column.was:
            taken.add(column.was.lower())
    return columns


TargetColumns = Annotated[list[TargetColumn], AfterValidator(renamed_once)]


def name_there(column: Column, here: set[str]) -> str | None:
    """What a table calls a column that may not be renamed yet; None if the table lacks it.

    :param here: the names of the table's columns, in lower case.
    """
    former = column.was if isinstance(column, TargetColumn) else None
    return next((name for name in (column.name, former) if name and name.lower() in here), None)
