"""The examples of `docs/contributing.md`, installed as a package, do what the page says."""

from __future__ import annotations

import json
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import duckdb
import pytest

from tests.conftest import REPOSITORY, Folder

pytestmark = pytest.mark.slow
PAGE = (REPOSITORY / "docs/contributing.md").read_text(encoding="utf-8")
# Each block whose first line is a comment with the name of its file.
FILES = dict(re.findall(r"^```\w+\n# (\S+\.\w+)\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL))
PIPELINE = """
name: shop
schedule: "@daily"
owner: sales
sources:
  orders:
    type: api_rows
    connection: shop
    path: orders
    columns: [{name: item, type: varchar(10)}, {name: pieces, type: integer}]
    checks: [{type: even, column: pieces, severity: warning}]
  prices:
    type: strict_parquet
    connection: lake
    path: prices/{{ interval.date }}/*.parquet
    columns: [{name: item, type: varchar(10)}, {name: price, type: "decimal(8,2)"}]
kpis:
  first_prices:
    sql: shop/first_prices.sql
    target: {connection: sales, table: first_prices, strategy: keep_first, unique_key: [item]}
    columns:
      - {name: item, type: varchar(10), primary_key: true}
      - {name: price, type: "decimal(8,2)"}
  pieces:
    sql: shop/pieces.sql
    target: {connection: sales, table: pieces}
    columns:
      - {name: item, type: varchar(10), primary_key: true}
      - {name: pieces, type: bigint}
"""
ENVIRONMENTS = """
default: local
environments:
  local:
    connections:
      shop: {{type: api, url: "{url}"}}
      lake: {{type: directory, path: lake}}
      sales: {{type: team, path: shared.duckdb, team: sales}}
  sql_only:
    engine: sql_only
    staging: .etl/sql_only
    connections:
      shop: {{type: api, url: "{url}"}}
      lake: {{type: directory, path: lake}}
      sales: {{type: team, path: shared.duckdb, team: sql_only}}
"""
ORDERS = {
    "2024-06-25": [{"item": "a", "pieces": 2}, {"item": "a", "pieces": 4}],
    "2024-06-26": [{"item": "b", "pieces": 6}, {"item": "b", "pieces": 7}],
}
PRICES = {"2024-06-25": "('a', 1.00)", "2024-06-26": "('a', 9.99), ('b', 3.00)"}
PYTHON = """transforms:
  cheap:
    python: functions:cheap
    inputs: [prices]
    columns: [{name: item, type: varchar(10)}]
kpis:
"""


class Shop(BaseHTTPRequestHandler):
    """The server that `my_package/api.py` reads."""

    def do_GET(self) -> None:
        path, _, day = self.path.partition("?day=")
        self.send_response(200 if path == "/orders" else 404)
        self.end_headers()
        self.wfile.write(json.dumps(ORDERS[day]).encode())

    def log_message(self, format: str, *values: Any) -> None:
        """Nothing."""


@dataclass(frozen=True)
class Installed:
    """A project that uses every example, and where they are installed."""

    folder: Folder
    site: Path

    def etl(self, *arguments: str) -> CompletedProcess[str]:
        """Run the command where the package is installed."""
        return self.folder.etl(*arguments, env={"PYTHONPATH": f"{self.site}:{REPOSITORY}"})

    def run(self, day: str, *options: str) -> str:
        """Run the pipeline for a day; returns what it prints."""
        done = self.etl("run", "shop", "--date", day, *options)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def rows(self, table: str, order: str = "1") -> list[tuple[Any, ...]]:
        """Rows of the shared DuckDB file."""
        with duckdb.connect(str(self.folder.root / "shared.duckdb"), read_only=True) as connection:
            return connection.execute(f"SELECT * FROM {table} ORDER BY {order}").fetchall()

    def change(self, path: str, old: str, new: str) -> None:
        """Replace a text of a file of the project or the package."""
        root = self.site if path.startswith("my_package/") else self.folder.root
        file = root / path
        assert old in file.read_text()
        file.write_text(file.read_text().replace(old, new))

    def prices(self, day: str, sql: str) -> None:
        """Write a Parquet file of a day's prices."""
        file = self.folder.root / f"lake/prices/{day}/1.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        duckdb.sql(f"COPY ({sql}) TO '{file}'")


@pytest.fixture(scope="module")
def shop() -> Iterator[str]:
    """The URL of a server with orders."""
    with ThreadingHTTPServer(("127.0.0.1", 0), Shop) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


@pytest.fixture
def project(folder: Folder, shop: str, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """The page's package, installed as pip would, and a project that uses all of it."""
    site = tmp_path_factory.mktemp("site")
    (site / "my_package").mkdir()
    facts = site / "my_package-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: my-package\nVersion: 1.0\n")
    for name, text in FILES.items():
        if name.startswith("rules/"):
            folder.write(name, text)
        elif name == "entry_points.txt":
            (facts / name).write_text(text)
        else:
            (site / name).write_text(text)
    folder.write("environments.yml", ENVIRONMENTS.format(url=shop))
    folder.write("setup.cfg", "[etl:lint]\nrules = rules/owner.py\n")
    folder.write("pipelines/shop.yml", PIPELINE)
    folder.write("sql_templates/shop/first_prices.sql", "SELECT item, price FROM prices\n")
    folder.write(
        "sql_templates/shop/pieces.sql",
        "SELECT item, SUM(pieces) AS pieces FROM orders GROUP BY item\n",
    )
    installed = Installed(folder, site)
    for day, values in PRICES.items():
        columns = "price::DECIMAL(8, 2) AS price, item, 1 AS more"
        installed.prices(day, f"SELECT {columns} FROM (VALUES {values}) AS _ (item, price)")
    return installed


def test_every_example_has_the_name_of_its_file() -> None:
    assert len(FILES) == len(re.findall(r"^```(?:python|ini)$", PAGE, re.MULTILINE))
    assert {Path(name).parent.name for name in FILES} == {"", "my_package", "rules"}


def test_lint_knows_every_word_and_the_projects_own_rule(project: Installed) -> None:
    assert project.etl("lint").stdout == ""

    project.change("pipelines/shop.yml", "owner: sales\n", "")
    assert "pipelines/shop.yml:1:1: X001 there is no owner" in project.etl("lint").stdout
    assert "A pipeline says whom to ask." in project.etl("rule", "X001").stdout


def test_a_package_may_bring_the_rule(project: Installed) -> None:
    (project.site / "my_package/owner.py").write_text(FILES["rules/owner.py"])
    with (project.site / "my_package-1.0.dist-info/entry_points.txt").open("a") as file:
        file.write("[etl_framework.lint.rules]\nowner = my_package.owner\n")
    (project.folder.root / "setup.cfg").unlink()

    project.change("pipelines/shop.yml", "owner: sales\n", "")

    assert "X001 there is no owner" in project.etl("lint").stdout


def test_the_type_of_policy_is_known(project: Installed) -> None:
    project.folder.write(
        "policies.yml",
        "policies: {pools: {type: pipeline_has_pool, reason: others wait}, odd: {type: has_pol}}",
    )

    lines = project.etl("lint").stdout
    assert "shop.yml:1:7: P901 the pipeline has no pool (policy pools: others wait)" in lines
    assert "unknown policy type 'has_pol'" in lines
    assert "The steps of a pipeline run in a pool" in project.etl("rule", "P901").stdout
    project.change("pipelines/shop.yml", "name: shop\n", "name: shop  # noqa: P901 because\n")
    assert "P901" not in project.etl("lint").stdout


def test_a_type_of_policy_that_breaks_is_named(project: Installed) -> None:
    project.folder.write("policies.yml", "policies: {a: {type: pipeline_has_pool, reason: b}}")
    project.change("my_package/pool.py", "pipeline.pool", "pipeline.pol")

    (line,) = project.etl("lint", "--select", "E").stdout.splitlines()[:1]

    assert line.startswith("policies.yml:1:22: E602 its type breaks: AttributeError: ")


def test_lint_looks_into_the_example(project: Installed) -> None:
    """A plug-in's fields, columns and types are checked as those of our own are."""
    project.change("pipelines/shop.yml", "even, column: pieces", "even, column: item")
    project.change("pipelines/shop.yml", "unique_key: [item]", "create: true")

    lines = project.etl("lint").stdout

    assert "E310 'even' cannot check a column of varchar(10)" in lines
    assert "strategy 'keep_first' needs 'unique_key'" in lines


def test_the_source_is_read_and_the_check_finds_its_row(project: Installed) -> None:
    assert re.search(r"orders +even pieces +pass +0 of 2", project.run("2024-06-25"))
    assert re.search(r"orders +even pieces +warning +1 of 2", project.run("2024-06-26"))
    assert project.rows("sales.pieces") == [("b", 13)]


def test_a_server_that_does_not_answer_is_one_line(project: Installed) -> None:
    project.change("environments.yml", "http://127.0.0.1", "http://127.0.0.1:1/?")

    done = project.etl("run", "shop", "--date", "2024-06-25")

    assert done.returncode == 1
    assert "does not answer: " in done.stderr
    assert "Traceback" not in done.stderr


def test_the_strategy_keeps_what_was_first(project: Installed) -> None:
    first, both = [("a", 1)], [("a", 1), ("b", 3)]

    for day, expected in {"2024-06-25": first, "2024-06-26": both}.items():
        for options in ([], ["--fresh"]):
            project.run(day, *options)
            assert project.rows("sales.first_prices") == expected


@pytest.mark.parametrize(
    ("sql", "says"),
    [
        pytest.param("SELECT 'a' AS item", "column 'price' is missing, not DECIMAL(8,2)",
                     id="a column that is missing"),
        pytest.param("SELECT 'a' AS item, 1.5::DOUBLE AS price",
                     "column 'price' is DOUBLE, not DECIMAL(8,2)", id="another type"),
        pytest.param("SELECT 'a text too long' AS item, 1.5::DECIMAL(8,2) AS price",
                     "item is longer than varchar(10)", id="a longer text"),
    ],
)  # fmt: skip
def test_files_that_the_format_refuses(project: Installed, sql: str, says: str) -> None:
    project.prices("2024-06-25", sql)

    done = project.etl("run", "shop", "--date", "2024-06-25")

    assert done.returncode == 1
    assert "✗ extract.prices" in done.stderr
    assert says in done.stderr
    assert "Traceback" not in done.stderr


def test_a_new_column_is_told(project: Installed) -> None:
    project.change(
        "pipelines/shop.yml", "    path: prices", "    on_new_column: fail\n    path: prices"
    )

    done = project.etl("run", "shop", "--date", "2024-06-25")

    assert done.returncode == 1
    assert "'prices' has columns that are not declared: more" in done.stderr


def test_the_target_has_rows_and_ledger_in_its_schema(project: Installed) -> None:
    project.run("2024-06-25", "--env", "sql_only")
    assert "team sales has no tables" in project.etl("show", "pieces").stderr
    project.run("2024-06-25")

    assert project.rows("sales.first_prices") == [("a", 1)]
    assert len(project.rows("sales.etl_ledger")) == 1
    assert project.etl("show", "pieces", "--format", "csv").stdout.split() == ["item,pieces", "a,6"]


def test_the_pipeline_runs_under_the_engine(project: Installed) -> None:
    project.run("2024-06-25", "--env", "sql_only")

    assert project.rows("sql_only.pieces") == [("a", 6)]


def test_the_engine_refuses_python(project: Installed) -> None:
    project.change("pipelines/shop.yml", "kpis:\n", PYTHON)
    project.folder.write("functions.py", "def cheap(prices):\n    return prices[['item']]\n")

    (line,) = [line for line in project.etl("lint").stdout.splitlines() if "sql_only" in line]

    assert line.startswith("pipelines/shop.yml:18:13: W302 ")
    assert line.endswith("the engine sql_only runs no Python")


def test_the_command_runs_and_stands_in_the_help(project: Installed) -> None:
    assert project.etl("tables").stdout.split() == ["sales.first_prices", "sales.pieces"]
    assert (
        "Name every table that pipelines fill, as in: etl tables." in project.etl("--help").stdout
    )
    assert project.etl("table").returncode == 2


def test_editors_learn_the_new_words(project: Installed) -> None:
    assert project.etl("schema").returncode == 0
    schema = (project.folder.root / "pipeline.schema.json").read_text()

    words = set(re.findall(r'"(\w+)"', schema))
    assert {"even", "api_rows", "strict_parquet", "keep_first"} <= words
    assert '"pipeline_has_pool"' in (project.folder.root / "policies.schema.json").read_text()


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("keep_first", ["lint"]),
        ("sql_only", ["lint"]),
        ("even", ["lint"]),
        ("tables", ["tables"]),
    ],
)
def test_one_that_does_not_load_is_named(
    project: Installed, name: str, arguments: list[str]
) -> None:
    (project.site / f"my_package/{name}.py").write_text("import nothing_of_this_name\n")

    done = project.etl(*arguments)

    assert done.returncode == 2
    assert f"{name}' (my_package.{name}" in done.stderr
    assert "does not load: No module named 'nothing_of_this_name'" in done.stderr
    assert "hint: fix or uninstall the package that registers it" in done.stderr
    assert "Traceback" not in done.stderr


def test_what_is_no_strategy_is_refused(project: Installed) -> None:
    project.change("my_package/keep_first.py", 'name = "keep_first"', 'name = "kept"')

    done = project.etl("lint")

    assert done.returncode == 2
    assert "(my_package.keep_first:KeepFirst) is no strategy of this name" in done.stderr
