"""How much the heavy tests try: in `make test` a sample, in `make chaos` everything."""

from __future__ import annotations

import os

THOROUGH = "ETL_THOROUGH" in os.environ


def amount(usual: int, thorough: int) -> int:
    """How many of something to try."""
    return thorough if THOROUGH else usual
