"""What `--fix` mends: its finding is gone, none is new, all else in the file stays as it was."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from etl_framework.authoring.fix import fix
from etl_framework.project.project import load_project
from tests.conftest import Folder
from tests.lint.test_pages import BASE, POLICED, linted
from tests.lint.test_rules import BY_COUNTRY, PIPELINE, SOLD


def mended(root: Path) -> list[str]:
    """Codes of what was mended, as often as the command goes about it."""
    found = []
    while done := fix(load_project(root), linted(root)):
        found += [each.code for each in done]
        assert len(found) < 20
    return found


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shutil.copytree(BASE, tmp_path / "project")


@pytest.mark.parametrize(
    ("path", "right", "wrong", "code"),
    [
        pytest.param(PIPELINE, "schedule:", "schedul:", "E202", id="a key"),
        pytest.param(PIPELINE, "{connection: warehouse, table:", "{conection: warehouse, table:",
                     "E202", id="a key in braces"),
        pytest.param(PIPELINE, "type: postgres", "type: postgress", "E201", id="a type"),
        pytest.param(PIPELINE, "required: true", "required: yes", "E104", id="a switch"),
        pytest.param(PIPELINE, 'country: "NO"', "country: NO", "E104", id="a country"),
        pytest.param(SOLD, "FROM orders", "FROM\u00a0orders", "W101", id="a space that is none"),
        pytest.param(SOLD, "orders", "or\u200bders", "W101", id="a character without width"),
        pytest.param(SOLD, "FROM orders", "FROM orders -- noqa: W402 because of old times", "W601",
                     id="an unused noqa"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("ends", "mark"), [("\n", ""), ("\r\n", "\ufeff")], ids=["unix", "windows with a mark"]
)
def test_what_was_right_is_right_again(
    root: Path, path: str, right: str, wrong: str, code: str, ends: str, mark: str
) -> None:
    file = root / path
    text = file.read_text(encoding="utf-8").replace("country: DE", 'country: "NO"')
    assert right in text
    whole = mark + text.replace("\n", ends) + f"# the end{ends}" * (file.suffix == ".yml")
    file.write_bytes(whole.encode())
    assert linted(root) == []

    file.write_bytes(whole.replace(right, wrong, 1).encode())
    assert code in [each.code for each in linted(root)]
    assert mended(root) == [code]
    assert file.read_bytes().decode() == whole


@pytest.mark.parametrize(
    ("path", "right", "wrong"),
    [
        pytest.param(PIPELINE, "schedule:", "schd:", id="a key that is far from any"),
        pytest.param(PIPELINE, "schedule: ", "schedule: none\nschedul: ", id="a key that is there"),
        pytest.param(PIPELINE, "{least: 10}", "{least: yes}", id="a parameter of any type"),
        pytest.param(PIPELINE, "primary_key: true", "primary_key: 010", id="a number for a switch"),
        pytest.param(SOLD, "amount,", "amont,", id="a column"),
        pytest.param(BY_COUNTRY, "COUNT(*) AS DEC", "{{ params.least - 10 }} AS DEC",
                     id="a divisor that is a value"),
        pytest.param(BY_COUNTRY, "FROM sold", "FROM sold -- noqa: W402, W403 because of two",
                     id="a noqa of several codes"),
    ],
)  # fmt: skip
def test_what_an_author_decides_is_left(root: Path, path: str, right: str, wrong: str) -> None:
    file = root / path
    file.write_text(file.read_text().replace(right, wrong, 1))
    before = file.read_bytes()

    assert linted(root) != []
    assert mended(root) == []
    assert file.read_bytes() == before


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("amount / items", "amount / NULLIF(items, 0)"),
        ("amount/items::decimal(9, 1) + 1", "amount/NULLIF(items::decimal(9, 1), 0) + 1"),
        ("amount / (items - 1)", "amount / NULLIF(items - 1, 0)"),
        ("amount / ((items - 1) * (items + 1))", "amount / NULLIF((items - 1) * (items + 1), 0)"),
        ("amount / -items", "amount / NULLIF(-items, 0)"),
        ("amount / ABS(items) / o.items", "amount / NULLIF(ABS(items), 0) / NULLIF(o.items, 0)"),
        ("amount / SUM(items) OVER (PARTITION BY customer)",
         "amount / NULLIF(SUM(items) OVER (PARTITION BY customer), 0)"),
        ("{% for x in [1, 2] %}amount / items + {% endfor %}IFNULL(amount, 1)",
         "{% for x in [1, 2] %}amount / NULLIF(items, 0) + {% endfor %}COALESCE(amount, 1)"),
        ("amount / 2 / LENGTH(customer)", "amount / 2 / NULLIF(LENGTH(customer), 0)"),
    ],
)  # fmt: skip
def test_a_guarded_divisor(root: Path, wrong: str, right: str) -> None:
    file = root / SOLD
    text = "SELECT customer, -- who\n\t{} AS amount, items\nFROM orders AS o\n"
    file.write_text(text.format(wrong))

    assert set(mended(root)) - {"E416"} == {"W403"}
    assert file.read_text() == text.format(right)
    assert [each for each in linted(root) if each.code in ("W403", "E416")] == []


def test_a_missing_stub(root: Path) -> None:
    (root / "dags/orders.py").unlink()

    assert mended(root) == ["W501"]
    assert linted(root) == []


def test_the_command(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    text = file.read_text()
    file.write_text(text.replace("schedule:", "schedul:").replace("table:", "tabel:"))

    done = orders.etl("lint", "--fix")

    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.splitlines() == [
        "fixed pipelines/orders.yml:2:1: E202 'schedul' -> 'schedule'",
        "fixed pipelines/orders.yml:17:37: E202 'tabel' -> 'table'",
        "0 problems found",
    ]
    assert file.read_text() == text
    assert orders.etl("lint", "--fix").stderr == "0 problems found\n"
    file.write_text(text.replace("schedule:", "schedul:"))
    assert orders.etl("lint", "--fix", "--ignore", "E202").stderr == "0 problems found\n"
    assert "schedul:" in file.read_text(), "what is not told is not mended"


def test_what_cannot_be_mended_stays(root: Path, tmp_path: Path) -> None:
    outside = tmp_path / "outside.yml"
    outside.write_text("schedul: none\n")
    (root / "pipelines/link.yml").symlink_to(outside)
    sold = root / SOLD
    sold.write_bytes(b"SELECT '\xe4' AS customer FROM orders -- noqa: W402 because of old times\n")

    assert "E202" in [each.code for each in linted(root)]
    assert mended(root) == []
    assert outside.read_text() == "schedul: none\n"
    assert b"\xe4" in sold.read_bytes()


@pytest.mark.parametrize(
    ("old", "wrong", "right", "code"),
    [
        pytest.param("pipeline_has_owner", "pipeline-has-ownr", "pipeline_has_owner", "E201",
                     id="a type"),
        pytest.param('pattern: "^kpis_"', 'patern: "^kpis_"', 'pattern: "^kpis_"', "E202",
                     id="a key"),
        pytest.param("[warehouse]", "[NO, warehouse]", '["NO", warehouse]', "E104", id="a country"),
        pytest.param("[row_count]", "[row_count], any: yes", "[row_count], any: true", "E104",
                     id="a switch"),
    ],
)  # fmt: skip
def test_policies_are_mended(tmp_path: Path, old: str, wrong: str, right: str, code: str) -> None:
    root = shutil.copytree(POLICED, tmp_path / "project")
    file = root / "policies.yml"
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, wrong))

    assert mended(root) == [code]
    assert file.read_text() == text.replace(old, right)


def test_a_key_is_not_written_twice_in_a_policy(tmp_path: Path) -> None:
    root = shutil.copytree(POLICED, tmp_path / "project")
    file = root / "policies.yml"
    text = file.read_text().replace("at_least: 2, at_most: 5", "at_least: 2, at_leas: 5")
    file.write_text(text)

    assert mended(root) == []
    assert file.read_text() == text
