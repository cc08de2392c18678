"""Pipelines lie in any folder below `pipelines/`; what is no pipeline there is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.lint.linter import Linter
from tests.cli.conftest import Etl, etl
from tests.conftest import ORDERS, Folder

__all__ = ["etl"]
OTHER = ORDERS.replace("name: orders\n", "name: clicks\n").replace("table: totals", "table: sums")


@pytest.fixture
def teams(orders: Folder) -> Folder:
    """Two pipelines, each in a folder of its own."""
    (orders.root / "pipelines/orders.yml").unlink()
    orders.write("pipelines/shop/orders.yml", ORDERS)
    orders.write("pipelines/web/eu/clicks.yaml", OTHER)
    return orders


def test_they_are_linted_run_and_shown(teams: Folder, etl: Etl) -> None:
    assert etl("lint", "--ignore", "W501").stdout == ""
    for name in ("orders", "clicks"):
        assert etl("run", name, "--date", "2024-06-25").returncode == 0
    assert etl("show", "clicks.totals", "--format", "csv").stdout.startswith("customer,")
    wrong = teams.root / "pipelines/web/eu/clicks.yaml"
    wrong.write_text(wrong.read_text().replace("type: csv", "type: cvs"))
    told = etl("lint", "pipelines/web", "--ignore", "W501").stdout
    assert told.startswith("pipelines/web/eu/clicks.yaml:5:11: E")
    assert "E" not in etl("lint", "pipelines/shop", "--ignore", "W501").stdout


def test_two_files_of_one_name(teams: Folder, etl: Etl) -> None:
    teams.write("pipelines/web/orders.yml", ORDERS)
    told = etl("lint").stdout
    assert (
        "pipelines/web/orders.yml:1:7: E306 pipelines/shop/orders.yml is a pipeline 'orders'"
        in told
    )


@pytest.mark.parametrize(
    ("path", "told"),
    [
        ("pipelines/shop/orders.yml.bak", True),
        ("pipelines/shop/new.YML", True),
        ("pipelines/new.json", True),
        ("pipelines/empty/defaults.yml", True),
        ("pipelines/shop/defaults.yaml", True),
        ("pipelines/web/defaults.yml", False),
        ("pipelines/shop/README.md", False),
        ("pipelines/.orders.yml.swp", False),
        ("pipelines/__pycache__/x.pyc", False),
    ],
)
def test_files_that_are_no_pipelines(teams: Folder, path: str, told: bool) -> None:
    linter = Linter(teams.root)
    assert not [problem for problem in linter.look() if problem.code == "W309"]
    teams.write(path, "owner: x\n")
    found = [str(problem) for problem in linter.look() if problem.code == "W309"]

    assert [line.partition(" ")[0] for line in found] == ([f"{path}:"] if told else [])


def test_a_link_to_a_folder_is_not_followed(teams: Folder, tmp_path_factory: object) -> None:
    aside = Path(f"{teams.root}-aside")
    aside.mkdir()
    (aside / "secret.yml").write_text("name: secret\n")
    (teams.root / "pipelines/aside").symlink_to(aside)
    found = [problem for problem in Linter(teams.root).look() if "secret" in problem.path]
    assert found == []


def test_a_new_pipeline_in_a_folder(teams: Folder, etl: Etl) -> None:
    done = etl("new", "pipeline", "web/us/visits")
    assert done.returncode == 0, done.stderr
    text = (teams.root / "pipelines/web/us/visits.yml").read_text()
    assert text.startswith("# yaml-language-server: $schema=../../../pipeline.schema.json\n")
    assert "pipelines/web/us/visits.yml" in (teams.root / "dags/visits.py").read_text()
    assert etl("test", "visits").returncode == 0
    assert not [p for p in Linter(teams.root).look() if "visits" in p.path]
    assert etl("new", "pipeline", "web/../x").returncode == 2
