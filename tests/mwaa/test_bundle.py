"""A whole bundle of a small project; each version's, with its DAGs imported: make test-bundle."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pytest

from etl_framework.errors import BundleError
from etl_framework.mwaa.bundle.dags_folder import write_dags
from etl_framework.mwaa.bundle.manifest import read_manifest
from etl_framework.mwaa.bundle.verify import digests, verify
from etl_framework.mwaa.bundle.write import Order, errors_of, write_bundle
from etl_framework.platforms.mwaa import mwaa_version
from etl_framework.project.project import load_project
from tests.conftest import ORDERS, REPOSITORY, Folder
from tests.mwaa.conftest import STUB

FIXED = "constraints/3.3.1.txt"


@pytest.mark.slow
def test_a_bundle_is_whole_and_the_same_again(with_prod: Folder) -> None:
    with_prod.write(FIXED, (REPOSITORY / FIXED).read_text(encoding="utf-8"))
    with_prod.write("ca.pem", "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n")
    first, again = with_prod.root / "build/first", with_prod.root / "build/again"
    options = ["--target", "mwaa:3.3.1", "--env", "prod", "--ca-bundle", "ca.pem", "--no-import"]
    done = with_prod.etl("bundle", *options, "--output", str(first))
    assert done.returncode == 0, done.stderr
    assert "the DAGs were not imported" in done.stdout
    with zipfile.ZipFile(first / "plugins.zip") as archive:
        archive.extractall(with_prod.root / "wheels")
    order = Order(mwaa_version("3.3.1"), "prod", wheels=with_prod.root / "wheels",
                  authorities=(with_prod.root / "ca.pem",), imports=False)  # fmt: skip
    write_bundle(load_project(with_prod.root), order, again)

    assert digests(first) == digests(again)
    assert (first / "manifest.json").read_bytes() == (again / "manifest.json").read_bytes()
    _is_whole(first)
    (first / "requirements.txt").write_text("numpy\n")
    (first / "more.txt").write_text("")
    manifest, found = verify(first, imports=False)
    assert manifest == read_manifest(again)
    assert [f"{each.path} {each.message}" for each in found.problems] == [
        "more.txt is not of the bundle",
        "requirements.txt is not what the bundle was made with",
    ]


def _is_whole(bundle: Path) -> None:
    manifest = read_manifest(bundle)
    requirements = (bundle / "requirements.txt").read_text().splitlines()
    with zipfile.ZipFile(bundle / "plugins.zip") as archive:
        names = archive.namelist()
    wheels = [name for name in names if name.endswith(".whl")]

    assert sorted(set(names) - set(wheels)) == ["authorities.pem"]
    assert requirements[:2] == ["--find-links /usr/local/airflow/plugins", "--no-index"]
    assert requirements[2:] == [f"{name}=={each}" for name, each in manifest.packages.items()]
    assert len(wheels) == len(manifest.packages)
    assert "etl-framework" in manifest.packages
    assert json.loads((bundle / "airflow-config.json").read_text())["etl.environment"] == "prod"
    assert (
        "PGSSLROOTCERT=/usr/local/airflow/plugins/authorities.pem"
        in (bundle / "startup.sh").read_text()
    )
    assert manifest.dag_ids == ("orders",)


@pytest.mark.parametrize(
    ("version", "lines"),
    [
        pytest.param("3.3.1", ["/pipelines", "/pipeline_templates", "/sql_templates",
                               "/.etl", "/code"], id="glob"),
        pytest.param("2.11.2", ["^pipelines(/|$)", "^pipeline_templates(/|$)",
                                "^sql_templates(/|$)", r"^\.etl(/|$)", "^code(/|$)"],
                     id="regular expressions"),
    ],
)  # fmt: skip
def test_the_folder_of_dags(with_prod: Folder, version: str, lines: list[str]) -> None:
    text = (with_prod.root / "pipelines/orders.yml").read_text()
    with_prod.write("code/__init__.py", "")
    with_prod.write("code/sessions.py", "def cut(orders): return orders\n")
    with_prod.write("notes.txt", "not for MWAA")
    with_prod.write(
        "pipelines/orders.yml",
        text + "transforms:\n  cut:\n    python: code.sessions:cut\n    inputs: [orders]\n"
        "    columns: [{name: order_id, type: integer}]\n",
    )
    project = load_project(with_prod.root)
    pipelines = [found.model for found in project.pipelines if found.model]
    folder = with_prod.root / "out"

    write_dags(project, pipelines, "prod", mwaa_version(version), folder)

    assert (folder / ".airflowignore").read_text().splitlines() == lines
    assert sorted(digests(folder)) == [
        ".airflowignore", ".etl/compiled/orders.prod.json", "code/__init__.py", "code/sessions.py",
        "environments.yml", "orders.py", "pipelines/orders.yml", "sql_templates/orders/totals.sql",
    ]  # fmt: skip


def test_the_dags_of_some_pipelines(with_prod: Folder, tmp_path: Path) -> None:
    shop_file = ORDERS.replace("name: orders\n", "name: shop\n", 1).replace(
        "table: totals", "table: t2"
    )
    with_prod.write("pipelines/shop.yml", shop_file)
    with_prod.write("dags/shop.py", STUB.replace("orders", "shop"))
    with_prod.write("dags/helper.py", "x = 1\n")
    project = load_project(with_prod.root)
    order = Order(mwaa_version("3.3.1"), "prod", only=frozenset({"shop"}))
    (shop,) = order.pipelines(project)
    write_dags(project, [shop], "prod", order.version, tmp_path / "out/dags")

    assert {file.name for file in (tmp_path / "out/dags").glob("*.py")} == {"shop.py", "helper.py"}
    kept = {
        file.name.partition(".")[0]
        for file in (tmp_path / "out/dags/.etl/compiled").rglob("*.json")
    }
    assert kept == {"shop"}, "and what it may wait for lies there as files"
    assert (tmp_path / "out/dags/pipelines/orders.yml").exists()

    with_prod.write("pipelines/orders.yml", "name: orders\nsources: 1\n")
    assert errors_of(load_project(with_prod.root), order) == []
    assert errors_of(load_project(with_prod.root), Order(order.version, "prod")) != []
    with_prod.write("dags/shop.py", STUB + STUB.replace("orders", "shop"))
    with_prod.write("pipelines/orders.yml", ORDERS)
    with pytest.raises(BundleError, match="B105 the file loads 'orders' too"):
        write_dags(project, [shop], "prod", order.version, tmp_path / "again")
