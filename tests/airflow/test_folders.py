"""One DAG file for all pipelines of a folder."""

from __future__ import annotations

import json

import pytest

from tests.airflow.conftest import Airflow
from tests.conftest import ORDERS, TOTALS, Folder

pytestmark = pytest.mark.slow
# What Airflow takes from a folder with DAG files: the DAGs, and errors by file.
BAG = """
import json, sys
try:
    from airflow.dag_processing.dagbag import DagBag
except ImportError:
    from airflow.models.dagbag import DagBag
bag = DagBag(sys.argv[1])
errors = {path.rpartition("/")[2]: told for path, told in bag.import_errors.items()}
print(json.dumps([sorted(bag.dags), errors]))
"""
STUB = """
from etl_framework.airflow import load_dags

load_dags("pipelines/shop", globals())
"""


@pytest.fixture
def shop(orders: Folder) -> Folder:
    (orders.root / "pipelines/orders.yml").unlink()
    for name in ("one", "two", "deep/three"):
        last = name.rpartition("/")[2]
        text = ORDERS.replace("name: orders\n", f"name: {last}\n", 1)
        orders.write(f"pipelines/shop/{name}.yml", text.replace("table: totals", f"table: {last}"))
    orders.write("pipelines/other.yml", ORDERS.replace("name: orders\n", "name: other\n", 1))
    orders.write("dags/shop.py", STUB)
    return orders


def bagged(airflow: Airflow, folder: Folder, **env: str) -> tuple[list[str], dict[str, str]]:
    found, errors = airflow.script(BAG, str(folder.root / "dags"), env=env)
    return found, errors


def test_all_of_a_folder(airflow: Airflow, shop: Folder) -> None:
    assert bagged(airflow, shop) == (["one", "three", "two"], {})
    assert {file.name for file in (shop.root / ".etl/compiled").iterdir()} == {
        "one.default.json", "two.default.json", "three.default.json",
    }  # fmt: skip


def test_one_that_is_broken_leaves_the_others(airflow: Airflow, shop: Folder) -> None:
    file = shop.root / "pipelines/shop/two.yml"
    text = file.read_text()
    file.write_text(text.replace("max_rejected", "max_rejectd"))
    shop.write("pipelines/shop/four.yml", "name: four\nsources: 1\n")
    found, errors = bagged(airflow, shop)
    assert found == ["one", "three"]
    assert list(errors) == ["shop.py"]
    assert "pipelines/shop/two.yml:8:5: E202 unknown key 'max_rejectd'" in errors["shop.py"]
    assert "pipelines/shop/four.yml:2:10: E204" in errors["shop.py"]
    (shop.root / "pipelines/shop/four.yml").unlink()
    file.write_text(text)
    assert bagged(airflow, shop) == (["one", "three", "two"], {})


def test_a_folder_without_pipelines(airflow: Airflow, shop: Folder) -> None:
    shop.write("dags/shop.py", STUB.replace("shop", "shp"))
    found, errors = bagged(airflow, shop)
    assert (found, "there is no pipeline in pipelines/shp" in errors["shop.py"]) == ([], True)


def test_a_task_parses_its_own_alone(airflow: Airflow, shop: Folder) -> None:
    env = {"_AIRFLOW_PARSING_CONTEXT_DAG_ID": "two", "_AIRFLOW_PARSING_CONTEXT_TASK_ID": "publish"}
    assert bagged(airflow, shop, **env) == (["two"], {})


def test_instances_of_a_template(airflow: Airflow, shop: Folder) -> None:
    body = ORDERS.replace("name: orders\n", "").replace("table: totals", 'table: "{{ with.to }}"')
    lines = "\n".join(f"  {line}" for line in body.strip().splitlines())
    shop.write("pipeline_templates/orders.yml", f"with: {{to: {{}}}}\npipeline:\n{lines}\n")
    shop.write("sql_templates/orders/totals.sql", TOTALS)
    shop.write(
        "pipelines/shop/more.yml",
        "template: orders\ninstances:\n  four: {to: four}\n  five: {to: five}\n",
    )
    assert bagged(airflow, shop)[0] == ["five", "four", "one", "three", "two"]
    shop.etl("lint")
    done = shop.etl("lint", "--format", "json")
    told = {(problem["code"], problem["path"]) for problem in json.loads(done.stdout)}
    assert told == {("W501", "pipelines/other.yml")}
    shop.write(
        "dags/one.py", 'from etl_framework.airflow import load_dag\nload_dag("one", globals())\n'
    )
    assert "E505 the pipeline 'one' is loaded in dags/one.py:2, too" in shop.etl("lint").stdout


def test_the_stub_is_written(shop: Folder) -> None:
    (shop.root / "dags/shop.py").unlink()
    assert shop.etl("new", "dag", "pipelines/shop").returncode == 0
    assert 'load_dags("pipelines/shop", globals())' in (shop.root / "dags/shop.py").read_text()
    assert shop.etl("new", "dag", "pipelines/shp").returncode == 2
