"""Columns that sources read, which may have another name there."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field

from etl_framework.columns import Column, names_apart
from etl_framework.model import wrong_at


class SourceColumn(Column):
    """A column that a source reads."""

    from_: str | None = Field(
        None,
        alias="from",
        min_length=1,
        examples=["Order ID"],
        description="What the source calls the column, if that is not its name here.",
    )

    @property
    def there(self) -> str:
        """What the source calls the column."""
        return self.from_ or self.name


S = TypeVar("S", bound=SourceColumn)


def read_once(columns: list[S]) -> list[S]:
    """Return the same columns if no two are read from one column of the source.

    :raises PydanticCustomError: two are; the error has the place of the second.
    """
    seen: set[str] = set()
    for index, column in enumerate(names_apart(columns)):
        if column.there in seen:
            raise wrong_at(f"two columns are read from '{column.there}'", index)
        seen.add(column.there)
    return columns


SourceColumns = Annotated[list[SourceColumn], AfterValidator(read_once)]
