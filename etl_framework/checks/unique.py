"""Integrity: no two rows are alike."""

from __future__ import annotations

from typing import Literal

from etl_framework.checks.base import KeyCheck


class Unique(KeyCheck):
    """No two rows hold the same values in the listed columns; rows with an empty one pass.

    The count is of rows that repeat an earlier one.
    """

    empty_fails = False

    type: Literal["unique"]
