"""Integrity: no two rows have the same key."""

from __future__ import annotations

from typing import Literal

from etl_framework.checks.base import KeyCheck


class PrimaryKey(KeyCheck):
    """The listed columns always hold values, and no two rows hold the same ones.

    The count is of rows that repeat an earlier one or have an empty column.
    """

    empty_fails = True

    type: Literal["primary_key"]
