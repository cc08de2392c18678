"""Facts beside rows of today: when that is told, and what says that it is meant."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lint.test_pages import BASE, linted

PIPELINE, SQL = "pipelines/visits.yml", "sql_templates/visits/by_country.sql"
AS_OF = "{{ as_of('c', 'v.visited_at') }}"
BY_HAND = "v.visited_at >= c.valid_from AND (v.visited_at < c.valid_to OR c.valid_to IS NULL)"
INSIDE = "JOIN (SELECT * FROM customers_history) AS c ON"
MEANT = "table: customers_history\n    may_be_newer: true"
VERSIONS = (
    "      - {name: valid_from, type: timestamptz, primary_key: true}\n"
    "      - {name: valid_to, type: timestamptz}\n"
)


@pytest.mark.parametrize(
    ("changes", "codes"),
    [
        pytest.param({}, [], id="as of the time"),
        pytest.param({AS_OF: BY_HAND}, [], id="in other words"),
        pytest.param({"JOIN customers_history AS c ON": INSIDE}, [], id="through a subquery"),
        pytest.param({f"AND {AS_OF}": f"WHERE {AS_OF}"}, [], id="in WHERE"),
        pytest.param({AS_OF: "c.is_current"}, ["W407", "W422"], id="the current versions"),
        pytest.param({AS_OF: "v.visited_at BETWEEN c.valid_from AND c.valid_to"},
                     ["W407", "W422"], id="both of two versions that meet"),
        pytest.param({AS_OF: "v.visited_at >= c.valid_from"}, ["W407", "W422"], id="no end"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: ""}, ["W421"], id="no history"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "", "table: customers_history": MEANT},
                     [], id="no history, and it is meant"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "", "{{ interval.date }}": "*"}, ["E322"],
                     id="facts that are read whole"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "",
                      "strategy: append": "strategy: replace, rows_of: interval"}, [],
                     id="a table of the newest interval alone"),
        pytest.param({AS_OF: "c.is_current", VERSIONS: "",
                      "table: customers_history": "table: customers_history\n    "
                      "incremental_key: visited_at"}, [], id="a dimension of the interval"),
    ],
)  # fmt: skip
def test_when_it_is_told(tmp_path: Path, changes: dict[str, str], codes: list[str]) -> None:
    root = shutil.copytree(BASE, tmp_path / "project")
    for old, new in changes.items():
        texts = {path: (root / path).read_text() for path in (PIPELINE, SQL)}
        assert any(old in text for text in texts.values())
        for path, text in texts.items():
            (root / path).write_text(text.replace(old, new))

    assert sorted({problem.code for problem in linted(root)}) == codes
