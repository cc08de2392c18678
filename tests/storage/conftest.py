"""The command in this process, for tests of what is stored."""

from __future__ import annotations

from tests.cli.conftest import etl as etl
