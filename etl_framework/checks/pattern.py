"""Quality: a text matches a regular expression."""

from __future__ import annotations

import re
from typing import Literal

from pydantic import Field, field_validator

from etl_framework.checks.base import OneColumn
from etl_framework.sql.quote import quote, redshift_literal


class Pattern(OneColumn):
    """The text matches a regular expression (POSIX), somewhere in it; an empty value passes."""

    costly = True

    type: Literal["pattern"]
    pattern: str = Field(description="The expression; `^` and `$` tie it to the whole text.")

    @field_validator("pattern")
    @classmethod
    def _compiles(cls, value: str) -> str:
        try:
            re.compile(value)
        except re.error as error:
            raise ValueError(f"the pattern does not compile: {error}") from error
        return value

    def violation(self) -> str:
        return f"NOT {quote(self.column)} ~ {redshift_literal(self.pattern)}"
