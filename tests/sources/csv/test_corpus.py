"""What happens to each file of `tests/cases/csv/`, as the `case.yml` beside it says.

A case has `options` of the source, and either `error`, or `kept` (number and name of each row) and
`rejected` (line and reason of each).
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from etl_framework.errors import EtlError
from tests.sources.conftest import ReadCsv

pytestmark = pytest.mark.slow
CASES = sorted((Path(__file__).parents[2] / "cases/csv").iterdir())
COLUMNS = ("id integer", "name varchar(100)", "at timestamp")


def run(case: Path, read_csv: ReadCsv) -> tuple[dict[str, Any], Any]:
    spec = yaml.safe_load((case / "case.yml").read_text(encoding="utf-8"))
    (file,) = case.glob("in.*")
    options = {"max_rejected": "100%", **spec.get("options", {})}
    # JSON is YAML.
    lines = [f"{name}: {json.dumps(value)}" for name, value in options.items()]
    return spec, lambda: read_csv({file.name: file.read_bytes()}, COLUMNS, "\n    ".join(lines))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_case(read_csv: ReadCsv, case: Path) -> None:
    spec, read = run(case, read_csv)
    if "error" in spec:
        with pytest.raises(EtlError, match=spec["error"]):
            read()
        return

    reading = read()

    assert sorted(([row[0], row[1]] for row in reading.kept), key=str) == sorted(
        spec["kept"], key=str
    )
    found = [(row.line, row.reason) for row in reading.rejected]
    expected = spec.get("rejected", [])
    assert [line for line, _ in found] == [line for line, _ in expected]
    for (_, reason), (_, wanted) in zip(found, expected, strict=True):
        assert wanted in reason
