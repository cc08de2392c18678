"""A span of time, as files write it."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any, ClassVar

from etl_framework.model import Written

_PATTERN = re.compile(r"^(\d+)\s*([smhdw])$")
_SECONDS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 7 * 86400}


@dataclass(frozen=True)
class Span(Written):
    """A span of time: a number and s, m, h, d or w for seconds to weeks."""

    examples: ClassVar[list[str]] = ["36h", "2d", "30m"]
    form: ClassVar[dict[str, Any]] = {"type": "string", "pattern": _PATTERN.pattern}

    amount: int
    unit: str

    @classmethod
    def parse(cls, written: object) -> Span:
        """Read a span as written.

        :raises ValueError: it cannot be read.
        """
        if isinstance(written, Span):
            return written
        match = _PATTERN.match(written.strip()) if isinstance(written, str) else None
        if not match:
            raise ValueError(f"'{written}' is not a span of time; write for example 36h or 2d")
        return cls(int(match[1]), match[2])

    @property
    def seconds(self) -> int:
        """Its length."""
        return self.amount * _SECONDS[self.unit]

    def __str__(self) -> str:
        return f"{self.amount}{self.unit}"
