"""How many failing rows are too many."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import core_schema

_PATTERN = re.compile(r"^>?\s*(\d+(?:\.\d+)?)\s*(%?)$")


@dataclass(frozen=True)
class Threshold:
    """A number of rows (`">100"`) or a share of them (`">1%"`) that may not be exceeded."""

    amount: Decimal
    percent: bool

    @classmethod
    def parse(cls, value: object) -> Threshold:
        """Read a threshold as written.

        :raises ValueError: it cannot be read.
        """
        if isinstance(value, Threshold):
            return value
        match = None if isinstance(value, bool) else _PATTERN.match(str(value).strip())
        if not match:
            raise ValueError(f'\'{value}\' is not a threshold; write for example ">100" or ">1%"')
        return cls(Decimal(match[1]), bool(match[2]))

    def exceeded(self, failing: int, rows: int) -> bool:
        """Whether `failing` out of `rows` are more than allowed."""
        return failing * 100 > rows * self.amount if self.percent else failing > self.amount

    def __str__(self) -> str:
        return f"{self.amount}{'%' if self.percent else ''}"

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {"type": ["string", "number"], "examples": [">100", ">1%"]}
