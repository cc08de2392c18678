"""What of a place is dropped, and which environments never are."""

from __future__ import annotations

import pytest

from etl_framework.errors import ConfigError
from etl_framework.project.project import load_project
from etl_framework.run.drop import PlaceToDrop
from etl_framework.targets.duckdb import DuckDBWarehouse
from tests.conftest import Folder


@pytest.fixture
def places(folder: Folder) -> Folder:
    where = "{lake: {type: directory, path: lake}, w: {type: duckdb, path: .etl/w.duckdb}}"
    lines = {
        "prod": "",
        "pr": "prefix: pr_, ",
        "guarded": "prefix: pr_, protected: true, ",
        "ours": "schema: mart, ",
        "usual": "schema: main, ",
    }
    made = "".join(f"  {n}: {{{line}connections: {where}}}\n" for n, line in lines.items())
    folder.write("environments.yml", f"default: prod\nenvironments:\n{made}")
    folder.write(
        "pipelines/p.yml",
        """
        name: p
        schedule: "@daily"
        sources:
          rows: {type: csv, connection: lake, path: rows.csv, columns: [{name: a, type: integer}]}
        kpis:
          k:
            sql: k.sql
            columns: [{name: a, type: integer}]
            target: {connection: w, table: mart.k}
        """,
    )
    folder.write("sql_templates/k.sql", "-- One row is a number.\nSELECT a FROM rows\n")
    folder.write("lake/rows.csv", "a\n1\n")
    return folder


def of(folder: Folder, environment: str | None) -> PlaceToDrop:
    return PlaceToDrop.of(load_project(folder.root), environment)


@pytest.mark.parametrize(
    ("environment", "why"),
    [
        pytest.param(None, "has no place of its own", id="the default one"),
        pytest.param("prod", "has no place of its own", id="production"),
        pytest.param("guarded", "is protected", id="a protected one"),
        pytest.param("ours", "'mart' is a schema that pipelines name", id="a schema of pipelines"),
        pytest.param("usual", "'main' is a schema that pipelines name", id="the usual schema"),
    ],
)
def test_which_environments_are_never_dropped(
    places: Folder, environment: str | None, why: str
) -> None:
    assert places.etl("run", "p", "--date", "2024-06-25").returncode == 0
    with pytest.raises(ConfigError, match=why):
        of(places, environment)


def test_nothing_is_there_before_the_first_run(places: Folder) -> None:
    assert of(places, "pr").empty
    assert not (places.root / ".etl/w.duckdb").exists()


def test_also_schemas_of_kpis_that_are_gone(places: Folder) -> None:
    assert places.etl("run", "p", "--date", "2024-06-25", "--env", "pr").returncode == 0
    file = places.root / "pipelines/p.yml"
    file.write_text(file.read_text(encoding="utf-8").replace("mart.k", "other.k"))
    place = of(places, "pr")
    assert place.schemas == (("w", "pr_main"), ("w", "pr_mart"))
    assert place.staging.endswith(".etl/staging/place-pr_")
    place.drop()
    assert of(places, "pr").empty


def test_tables_that_no_run_has_made_keep_a_schema(places: Folder) -> None:
    assert places.etl("run", "p", "--date", "2024-06-25", "--env", "pr").returncode == 0
    with DuckDBWarehouse(places.root / ".etl/w.duckdb") as warehouse:
        warehouse.execute("CREATE TABLE pr_mart.budget (a integer)")
    done = places.etl("clean", "--env", "pr", "--drop-place", "--yes")
    assert done.returncode == 2
    assert "'pr_mart' holds tables that no run here has made: budget" in done.stderr
    with DuckDBWarehouse(places.root / ".etl/w.duckdb") as warehouse:
        assert warehouse.number("SELECT COUNT(*) FROM pr_mart.k") == 1
        warehouse.execute("DROP TABLE pr_mart.budget")
    assert places.etl("clean", "--env", "pr", "--drop-place", "--yes").returncode == 0
    assert of(places, "pr").empty
