"""What `etl bundle` writes of this project, deployed, changed, deployed again and rolled back."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from etl_framework.mwaa.bundle.manifest import Manifest
from etl_framework.mwaa.bundle.write import Order, write_bundle
from etl_framework.platforms.mwaa import mwaa_version
from etl_framework.project.project import load_project
from tests.conftest import REPOSITORY
from tests.mwaa.deployed.conftest import Place

SQL = "sql_templates/music_streaming/kpis_hourly.sql"
COMPILED = ".etl/compiled/music_streaming.prod.json"
DAILY = ".etl/compiled/music_daily.prod.json"
FILES = {
    ".airflowignore", COMPILED, "environments.yml", "music_streaming.py",
    "pipelines/music_streaming.yml", SQL, "sql_templates/music_streaming/kpis_genre.sql",
    "sql_templates/music_streaming/listens.sql", "sql_templates/music_streaming/plays.sql",
    DAILY, "music_daily.py", "pipelines/music_daily.yml",
    *(f"sql_templates/music_daily/{name}.sql" for name in (
        "all_plays", "daily_listens", "genre_all_days", "hourly_all_days", "listeners_daily")),
}  # fmt: skip


@pytest.fixture
def project(tmp_path: Path) -> Path:
    root = tmp_path / "project"
    root.mkdir()
    for name in ("constraints", "dags", "pipelines", "sql_templates"):
        shutil.copytree(
            REPOSITORY / name, root / name, ignore=shutil.ignore_patterns("__pycache__")
        )
    shutil.copy(REPOSITORY / "environments.yml", root)
    return root


def bundle(project: Path, name: str) -> tuple[Path, Manifest]:
    folder = project / "build" / name
    order = Order(mwaa_version("3.3.1"), "prod", imports=False)
    manifest, _ = write_bundle(load_project(project), order, folder)
    return folder, manifest


@pytest.mark.slow
def test_a_changed_kpi_goes_there_and_back(place: Place, project: Path) -> None:
    first, manifest = bundle(project, "first")
    place.deploy(first)
    state, one = dict(place.environment.state), place.versions()

    keys = {"plugins.zip", "requirements.txt", *(f"dags/{name}" for name in FILES)}
    assert {key: len(ids) for key, ids in one.items()} == dict.fromkeys(keys, 1)
    assert place.objects() == _text(first)
    assert state["AirflowConfigurationOptions"]["etl.environment"] == "prod"
    installed = " ".join(f"{name}-{each}" for name, each in sorted(manifest.packages.items()))
    assert _pip(place) == {f"Successfully installed {installed}"}

    (project / SQL).write_text((project / SQL).read_text() + "-- Changed.\n")
    second, _ = bundle(project, "second")
    place.calls.clear()
    place.deploy(second)
    two, record = place.versions(), f"put_object etl-deploys/{place.environment.name}.json"

    changed = [f"dags/{COMPILED}", f"dags/{SQL}"]
    assert place.changes() == [record, *(f"put_object {key}" for key in changed), record]
    assert {key for key in two if two[key] != one[key]} == set(changed)
    assert place.objects() == _text(second)

    place.calls.clear()
    place.rollback()
    three = place.versions()

    assert place.changes() == [record, *(f"copy_object {key}" for key in changed), record]
    assert {key: ids[: len(two[key])] for key, ids in three.items()} == two
    assert {key for key in three if len(three[key]) > len(two[key])} == set(changed)
    assert place.objects() == _text(first)
    assert place.environment.state == state, "no update of the environment"


def _text(folder: Path) -> dict[str, str]:
    """What the bucket is to hold of a bundle, plugins.zip aside."""
    files = [folder / "requirements.txt", *(each for each in (folder / "dags").rglob("*"))]
    return {str(f.relative_to(folder)): f.read_text() for f in files if f.is_file()}


def _pip(place: Place) -> set[str]:
    group = f"airflow-{place.environment.name}-Worker"
    found = place.environment.logs.filter_log_events(logGroupName=group)["events"]
    return {each["message"] for each in found}
