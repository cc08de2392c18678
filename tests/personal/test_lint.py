"""Lint follows values of persons to the targets, through SQL, Python and templates."""

from __future__ import annotations

import pytest

from etl_framework.lint.linter import Linter
from tests.conftest import Folder
from tests.personal.conftest import SHOP

CODES = ("W704", "W705", "E704", "E310")
PIPELINE = """
name: visits
sources:
  customers:
    type: csv
    connection: lake
    path: customers/*.csv
    columns:
      - {name: customer_id, type: integer, primary_key: true}
      - {name: email, type: varchar(60), sensitive: email}
      - {name: full_name, type: varchar(60), sensitive: name, mask: partial}
      - {name: spent, type: integer, sensitive: true}
transforms:
  known: {sql: visits/known.sql}
kpis:
  found:
    sql: visits/found.sql
    target: {connection: warehouse, table: found}
    columns:
      - {name: value, type: varchar(80)}
"""


def found(folder: Folder) -> list[str]:
    problems = [p for p in Linter(folder.root).look() if p.code in CODES]
    return [f"{p.path}:{p.line}:{p.column}: {p.code} {p.message}" for p in problems]


@pytest.fixture
def visits(folder: Folder) -> Folder:
    folder.write("pipelines/visits.yml", PIPELINE)
    folder.write("sql_templates/visits/known.sql", "SELECT email, full_name, spent FROM customers")
    return folder


@pytest.mark.parametrize(
    ("sql", "origin"),
    [
        pytest.param("SELECT email AS value FROM known", "email", id="as it is"),
        pytest.param("SELECT LOWER(email) AS value FROM known", "email", id="made into another"),
        pytest.param("SELECT MAX(email) AS value FROM known", "email", id="the largest"),
        pytest.param(
            "SELECT LISTAGG(email, ',') AS value FROM known GROUP BY full_name",
            "email",
            id="list",
        ),
        pytest.param(
            "WITH k AS (SELECT email AS e FROM known) SELECT k.e AS value FROM k UNION ALL "
            "SELECT 'nobody' AS value",
            "email",
            id="through a CTE and a UNION",
        ),
        pytest.param(
            "SELECT CASE WHEN spent > 5 THEN 'much' ELSE 'little' END AS value FROM known",
            "spent",
            id="a class of a value",
        ),
        pytest.param("SELECT full_name AS value FROM known", "", id="masked"),
        pytest.param(
            "SELECT CAST(COUNT(DISTINCT email) AS varchar(80)) AS value FROM known",
            "",
            id="count",
        ),
        pytest.param(
            "SELECT CAST(SUM(spent) + AVG(spent) AS varchar(80)) AS value FROM known",
            "",
            id="a sum",
        ),
        pytest.param(
            "SELECT full_name || CAST(SUM(spent) OVER (PARTITION BY full_name) AS varchar(9)) "
            "AS value FROM known",
            "",
            id="a sum of a window",
        ),
        pytest.param(
            "SELECT CASE WHEN email IS NULL THEN 'none' ELSE 'some' END AS value FROM known",
            "",
            id="whether there is one",
        ),
        pytest.param(
            "SELECT full_name AS value FROM known WHERE email LIKE '%.de'", "", id="a condition"
        ),
    ],
)
def test_what_reaches_a_target(visits: Folder, sql: str, origin: str) -> None:
    visits.write("sql_templates/visits/found.sql", sql)

    kind = "sensitive (email)" if origin == "email" else "sensitive"
    assert found(visits) == (
        [
            "pipelines/visits.yml:19:16: W704 'value' shows values of "
            f"customers.{origin}, which is {kind}, unmasked"
        ]
        if origin
        else []
    )


def test_a_reason_is_enough_where_it_stands(visits: Folder) -> None:
    visits.write("sql_templates/visits/found.sql", "SELECT email AS value FROM known")
    text = PIPELINE.lstrip()

    def with_reason(old: str) -> list[str]:
        reason = ', allow: "the desk calls back"}'
        assert old in text
        visits.write("pipelines/visits.yml", text.replace(old, old.removesuffix("}") + reason))
        return found(visits)

    assert with_reason("{name: value, type: varchar(80)}") == []
    assert with_reason("{name: email, type: varchar(60), sensitive: email}") == []
    declared = "known: {sql: visits/known.sql, columns: [{name: email, type: varchar(60)}, " + (
        "{name: full_name, type: varchar(63)}, {name: spent, type: integer}]}"
    )
    text = text.replace("known: {sql: visits/known.sql}", declared)
    assert with_reason("[{name: email, type: varchar(60)}") == []
    # Elsewhere it is of no use.
    needless = with_reason("{name: full_name, type: varchar(63)}")
    assert [line.partition(" ")[2] for line in needless] == [
        "W705 no sensitive value comes to 'full_name' unmasked",
        "W704 'value' shows values of customers.email, which is sensitive (email), unmasked",
    ]


def test_python_shows_what_it_reads(visits: Folder) -> None:
    visits.write(
        "pipelines/visits.yml",
        PIPELINE.replace(
            "{sql: visits/known.sql}",
            '{python: "made:made", inputs: [customers], columns: [{name: x, type: varchar(80)}]}',
        ),
    )
    (visits.root / "sql_templates/visits/known.sql").unlink()
    visits.write("made.py", "def made(customers):\n    return customers\n")
    visits.write("sql_templates/visits/found.sql", "SELECT x AS value FROM known")

    assert [line.partition(" ")[2] for line in found(visits)] == [
        "W704 'value' shows values of customers.email, which is sensitive (email), unmasked"
    ]


def test_a_column_that_only_the_kpi_calls_sensitive(visits: Folder) -> None:
    """That of a masked one is called so in order to be hidden in reports, and nothing is wrong."""
    visits.write("sql_templates/visits/found.sql", "SELECT full_name AS value FROM known")
    column = "{name: value, type: varchar(80)"
    text = PIPELINE.replace(column, f"{column}, sensitive: name")
    visits.write("pipelines/visits.yml", text)
    assert found(visits) == []

    visits.write("pipelines/visits.yml", text.replace(", sensitive: name, mask: partial", ""))
    assert [line.partition(" ")[2] for line in found(visits)] == [
        "W704 'value' shows values of found.value, which is sensitive (name), unmasked"
    ]


def test_the_masked_project_is_clean_and_needs_its_salt(shop: Folder) -> None:
    assert [str(problem) for problem in Linter(shop.root).look()] == []
    file = shop.root / "environments.yml"
    file.write_text(file.read_text().replace('    salt: "{{ env.ETL_SALT }}"\n', ""))

    assert found(shop) == [
        "pipelines/shop.yml:10:84: E704 'hash' needs a salt, and the environment 'local' has none",
        "pipelines/shop.yml:24:65: E704 'hash' needs a salt, and the environment 'local' has none",
    ]


@pytest.mark.parametrize(
    ("check", "message"),
    [
        ("{type: not_null, columns: [email]}", ""),
        ("{type: unique, columns: [email]}", ""),
        ("{type: pattern, column: email, pattern: '@'}", "'pattern' cannot judge 'email'"),
        ("{type: not_null, columns: [phone]}", "'not_null' cannot judge 'phone'"),
        ("{type: accepted_range, column: born, min: 1900-01-01}", "cannot judge 'born', which is"),
        ("{type: not_null, columns: [notes]}", ""),  # E308: there is no such column
    ],
)
def test_checks_of_masked_values(shop: Folder, check: str, message: str) -> None:
    old = "      - {type: accepted_values,"
    shop.write("pipelines/shop.yml", SHOP.replace(old, f"      - {check}\n{old}"))

    lines = found(shop)

    assert len(lines) == bool(message)
    assert message in "".join(lines)
    assert not lines or lines[0].startswith("pipelines/shop.yml:18:16: E310")


def test_a_relationship_of_which_one_side_is_hashed(shop: Folder) -> None:
    old = "{name: customer_id, type: integer, sensitive: id, mask: hash}"
    shop.write("pipelines/shop.yml", SHOP.replace(old, "{name: customer_id, type: varchar(9)}"))

    assert "only one of 'customer_id' and 'customers.customer_id' is hashed" in "".join(found(shop))
