"""Columns that sources read, which may be masked, and may have another name there."""

from __future__ import annotations

from typing import Annotated, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from etl_framework.columns import Column, names_apart
from etl_framework.model import wrong_at
from etl_framework.sql.masks import HASHED, SHORTENED, Mask, masked_type


class MaskedColumn(Column):
    """A column that may be masked before its values lie in staging."""

    mask: Mask | None = Field(
        "none",
        examples=["hash", "partial", "drop", "null"],
        description="What becomes of the values before anything else sees them: `hash` (equal ones"
        " stay equal; needs the environment's `salt`), `partial` (a part that many share: a first"
        " letter, a year), `null`, or `drop` (there is no such column).",
    )

    @field_validator("mask", mode="before")
    @classmethod
    def _null_is_a_mask(cls, value: object) -> object:
        return "null" if value is None else value  # YAML reads the word as no value

    @model_validator(mode="after")
    def _can_be_masked(self) -> MaskedColumn:
        family = self.type.family
        if self.mask == "hash" and family not in HASHED:
            raise wrong_at(f"only texts and whole numbers have a hash, and not {self.type}", "mask")
        if self.mask == "partial" and family not in SHORTENED:
            raise wrong_at(f"only texts and dates have a part, and not {self.type}", "mask")
        if self.primary_key and self.mask not in ("none", "hash"):
            raise wrong_at("a primary key tells rows apart only with `mask: hash`", "mask")
        if self.required and self.mask in ("drop", "null"):
            raise wrong_at(f"'required' is not known of a column with `mask: {self.mask}`", "mask")
        return self

    @property
    def is_masked(self) -> bool:
        """Whether nobody finds its values, as they are, in staging."""
        return self.mask != "none"

    @property
    def staged(self) -> Column:
        """The column as it lies in staging, with the type of its masked values."""
        return self.model_copy(update={"type": masked_type(self.mask or "null", self.type)})


class SourceColumn(MaskedColumn):
    """A column that a source reads, which may have another name there."""

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


MaskedColumns = Annotated[list[MaskedColumn], AfterValidator(names_apart)]
SourceColumns = Annotated[list[SourceColumn], AfterValidator(read_once)]
