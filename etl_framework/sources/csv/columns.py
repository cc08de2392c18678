"""Columns of texts, which may write dates and times in a form of their own."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, Field, model_validator

from etl_framework.model import wrong_at
from etl_framework.sources.columns import SourceColumn, read_once
from etl_framework.sql.moment_formats import check_format
from etl_framework.sql.text_form import MOMENTS


class TextColumn(SourceColumn):
    """A column of texts in files."""

    format: str | None = Field(
        None,
        examples=["DD.MM.YYYY", "MM/DD/YYYY HH24:MI", "epochmillisecs"],
        description="How the texts write a date or a time, in Redshift's words; "
        "`YYYY-MM-DD HH24:MI:SS` if not given.",
    )

    @model_validator(mode="after")
    def _of_moments(self) -> TextColumn:
        if self.format is None:
            return self
        if self.type.family not in MOMENTS:
            raise wrong_at(f"only a date or a time has a format, and not {self.type}", "format")
        if self.mask == "partial":
            raise wrong_at("`partial` is for dates of the usual format", "mask")
        try:
            check_format(self.format)
        except ValueError as error:
            raise wrong_at(str(error), "format") from error
        return self


TextColumns = Annotated[list[TextColumn], AfterValidator(read_once)]
