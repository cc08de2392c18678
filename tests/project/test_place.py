"""The names of places: values that are looked up, and the names of schemas and tables."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from etl_framework.errors import ConfigError
from etl_framework.project.place import BRANCHES, Place, identifier, looked_up
from tests.conftest import Folder


@pytest.fixture(autouse=True)
def outside_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in BRANCHES:
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("place", "written", "there"),
    [
        pytest.param(Place("dev"), "mart.sales", "dev.sales", id="one schema for all"),
        pytest.param(Place("dev"), "sales", "dev.sales", id="one schema, none written"),
        pytest.param(Place(prefix="pr_"), "mart.sales", "pr_mart.sales", id="a prefix"),
        pytest.param(Place(prefix="pr_"), "sales", "pr_public.sales", id="a prefix, none written"),
        pytest.param(Place(), "mart.sales", "mart.sales", id="no place"),
        pytest.param(Place(), "sales", "sales", id="no place, none written"),
    ],
)
def test_a_table_has_another_name(place: Place, written: str, there: str) -> None:
    assert place.table(written, "public") == there


def test_what_lies_without_a_schema_has_a_home_in_the_place() -> None:
    assert Place("dev").home("main") == "dev"
    assert Place(prefix="pr_").home("main") == "pr_main"
    assert Place().home("main") == ""
    assert Place("dev").beside("etl_staging") == "dev_etl_staging"
    assert Place(prefix="pr_").beside("etl_staging") == "pr_etl_staging"
    assert Place().beside("etl_staging") == "etl_staging"


@pytest.mark.parametrize(
    ("value", "name"),
    [
        pytest.param("Ann.B", "ann_b", id="lower case, other characters"),
        pytest.param("feature/ABC-12", "feature_abc_12", id="a branch"),
        pytest.param("änne", "_nne", id="letters of other languages"),
        pytest.param("x" * 32, "x" * 32, id="just not too long"),
    ],
)
def test_a_value_becomes_part_of_a_name(value: str, name: str) -> None:
    assert identifier(value) == name


def test_long_values_are_cut_and_stay_apart() -> None:
    one, other = (identifier(f"feature/{'x' * 60}{end}") for end in "12")
    assert len(one) == len(other) == 32
    assert one != other


def test_the_user(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("LOGNAME", "Ann")
    assert looked_up("dev_{{ user }}_x", tmp_path) == "dev_ann_x"


@pytest.mark.parametrize("name", BRANCHES)
def test_ci_says_which_branch(name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv(name, "feature/7")
    assert looked_up("{{branch}}_", tmp_path) == "feature_7_"


def test_the_branch_of_a_pull_request_counts_first(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GITHUB_REF_NAME", "12/merge")
    monkeypatch.setenv("GITHUB_HEAD_REF", "")
    assert looked_up("pr_{{ branch }}_", tmp_path) == "pr_12_merge_"
    monkeypatch.setenv("GITHUB_HEAD_REF", "mine")
    assert looked_up("pr_{{ branch }}_", tmp_path) == "pr_mine_"


def test_git_says_which_branch(folder: Folder) -> None:
    subprocess.run(["git", "init", "-q", "-b", "work/new", folder.root], check=True)
    assert looked_up("{{ branch }}", folder.root) == "work_new"


def test_without_a_branch_nothing_is_guessed(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="nothing says which branch") as told:
        looked_up("{{ branch }}", tmp_path)
    assert "GITHUB_HEAD_REF" in told.value.diagnostics[0].hint


def test_variables(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TEAM", "12 Shop")
    assert looked_up("{{ env.TEAM }}", tmp_path) == "_12_shop"  # no name begins with a digit
    monkeypatch.delenv("TEAM")
    with pytest.raises(ConfigError, match=r"env\.TEAM"):
        looked_up("{{ env.TEAM }}", tmp_path)
