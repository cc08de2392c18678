"""What is kept of pipelines for `etl ls`: always what their files say now."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from etl_framework.project.project import load_project
from etl_framework.project.summary import FILE, Summary, summaries
from tests.conftest import ORDERS, Folder


def of(folder: Folder) -> dict[str, Summary]:
    return {summary.name: summary for summary in summaries(folder.root)}


def test_it_is_what_the_files_say(orders: Folder) -> None:
    expected = [Summary.of(found) for found in load_project(orders.root).pipelines]
    for _ in range(2):
        (found,) = summaries(orders.root)
        assert found == expected[0]
    assert (orders.root / FILE).exists()


def test_files_that_have_not_changed_are_not_read(
    orders: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = summaries(orders.root)

    def never(root: Path, path: str) -> None:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr("etl_framework.project.project.load_pipelines", never)
    assert [s.name for s in summaries(orders.root)] == [s.name for s in before]


def test_each_change_is_seen(orders: Folder) -> None:
    assert of(orders)["orders"].owner == ""
    orders.write("pipelines/defaults.yml", "owner: shop\n")
    assert of(orders)["orders"].owner == "shop"
    orders.write("pipelines/defaults.yml", "owner: web\n")
    assert of(orders)["orders"].owner == "web"
    (orders.root / "pipelines/defaults.yml").unlink()
    assert of(orders)["orders"].owner == ""
    orders.write("pipelines/orders.yml", "tags: [x]\n" + ORDERS.strip())
    assert list(of(orders)["orders"].tags) == ["x"]
    orders.write("pipelines/second.yml", "name: second\nsources: 1\n")
    (problem,) = of(orders)["second"].problems
    assert str(problem).startswith("pipelines/second.yml:2:10: E204")
    assert of(orders)["second"].problems == (problem,), "and as it is kept"
    (orders.root / "pipelines/second.yml").unlink()
    assert set(of(orders)) == {"orders"}


def test_changes_of_a_template(orders: Folder) -> None:
    body = ORDERS.replace("name: orders\n", "owner: OWNER\n", 1).strip()
    template = "pipeline:\n" + "\n".join(f"  {line}" for line in body.splitlines())
    orders.write("pipeline_templates/t.yml", template.replace("OWNER", "one"))
    orders.write("pipelines/made.yml", "template: t\ninstances: {a: {}, b: {}}\n")
    assert {name: found.owner for name, found in of(orders).items()} == {
        "orders": "", "a": "one", "b": "one",
    }  # fmt: skip
    orders.write("pipeline_templates/t.yml", template.replace("OWNER", "others"))
    assert of(orders)["b"].owner == "others"


@pytest.mark.parametrize("garbage", [b"", b"{", b"[]", b'{"version": "x"}', b"\xff\xfe"])
def test_garbage_is_no_hindrance(orders: Folder, garbage: bytes) -> None:
    summaries(orders.root)
    (orders.root / FILE).write_bytes(garbage)
    assert set(of(orders)) == {"orders"}


def test_what_was_changed_by_hand_is_not_believed(orders: Folder) -> None:
    summaries(orders.root)
    file = orders.root / FILE
    file.write_text(file.read_text().replace('"orders.csv"', '"x"').replace("totals", "others"))
    assert set(of(orders)["orders"].kpis) == {"totals"}
    assert json.loads(file.read_text())["version"]


def test_a_folder_that_cannot_be_written_to(orders: Folder) -> None:
    orders.write(".etl", "a file where the folder would be")
    assert set(of(orders)) == {"orders"}
