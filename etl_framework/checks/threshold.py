"""A threshold: how many failing rows are too many."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, ClassVar

from etl_framework.model import Written

_PATTERN = re.compile(r"^>?\s*(\d+(?:\.\d+)?)\s*(%?)$")


@dataclass(frozen=True)
class Threshold(Written):
    """A number of rows (`">100"`) or a share of them (`">1%"`) that may not be exceeded."""

    examples: ClassVar[list[str]] = [">100", ">1%"]
    form: ClassVar[dict[str, Any]] = {"type": ["string", "number"], "pattern": _PATTERN.pattern}

    amount: Decimal
    percent: bool

    @classmethod
    def parse(cls, written: object) -> Threshold:
        """Read a threshold as written.

        :raises ValueError: the text is not a threshold.
        """
        if isinstance(written, Threshold):
            return written
        match = None if isinstance(written, bool) else _PATTERN.match(str(written).strip())
        if not match:
            raise ValueError(f'\'{written}\' is not a threshold; write for example ">100" or ">1%"')
        amount, percent = Decimal(match[1]), bool(match[2])
        if not percent and amount % 1:
            share = f"{(amount * 100).normalize():f}%"
            raise ValueError(f'{amount} is no number of rows; for a share of them write "{share}"')
        return cls(amount, percent)

    def exceeded(self, failing: int | Decimal, rows: int | Decimal) -> bool:
        """Whether `failing` rows out of `rows` are too many."""
        return failing * 100 > rows * self.amount if self.percent else failing > self.amount

    def __str__(self) -> str:
        return f"{self.amount}{'%' if self.percent else ''}"
