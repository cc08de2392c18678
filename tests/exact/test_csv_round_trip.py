"""Values written as CSV are read as they were, whatever stands in the texts beside them."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from tests.exact.values import KINDS, comparable, rows
from tests.sources.conftest import ReadCsv
from tests.thorough import amount

COLUMNS = ("k integer", *(f"{name} {kind[1]}" for name, kind in KINDS.items()))


def written(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return '"' + value.replace('"', '""') + '"'
    if isinstance(value, Decimal):
        return f"{value:f}"
    if isinstance(value, datetime):
        return value.isoformat(sep=" ")
    return str(value)


@pytest.mark.slow
def test_no_value_changes(read_csv: ReadCsv) -> None:
    header = ",".join(column.split()[0] for column in COLUMNS)

    @settings(
        max_examples=amount(40, 1_000),
        deadline=None,
        derandomize=True,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
    )
    @given(rows(KINDS))
    def check(given_rows: list[tuple[Any, ...]]) -> None:
        numbered = [(number, *row) for number, row in enumerate(given_rows)]
        lines = [",".join(written(value) for value in row) for row in numbered]

        reading = read_csv({"1.csv": "\n".join([header, *lines, ""])}, COLUMNS)

        assert reading.rejected == []
        assert [comparable(row) for row in reading.kept] == [comparable(row) for row in numbered]

    check()
