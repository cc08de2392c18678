"""Macros that templates import: what they make, and where mistakes in them are told."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.lint.linter import Linter
from etl_framework.sql.rendered import Rendered
from etl_framework.sql.templates import TemplateProblemError, render_sql
from tests.cli.conftest import Etl, etl
from tests.conftest import ORDERS, TOTALS, Folder
from tests.sql.test_templates import DAY, PARAMS

__all__ = ["etl"]
MACROS = """
{#- The parts that KPIs share. -#}
{% macro share(part, whole) -%}
CAST({{ ident(part) }} AS DECIMAL(18, 4)) / NULLIF({{ ident(whole) }}, 0)
{%- endmacro %}
{% macro at_least(column, least) -%}
{{ ident(column) }} >= {{ least }}
{%- endmacro %}
"""
IMPORT = "{% from 'macros/parts.sql' import share, at_least %}\n"


@pytest.fixture
def library(tmp_path: Path) -> Path:
    (tmp_path / "sql_templates/macros").mkdir(parents=True)
    (tmp_path / "sql_templates/macros/parts.sql").write_text(MACROS.lstrip("\n"))
    return tmp_path / "sql_templates"


def rendered(library: Path, source: str) -> Rendered:
    return render_sql("sql_templates/t.sql", source, DAY, PARAMS, library)


def told(library: Path, source: str) -> str:
    with pytest.raises(TemplateProblemError) as raised:
        rendered(library, source)
    return str(raised.value.diagnostic)


def test_what_a_macro_makes(library: Path) -> None:
    source = "SELECT {{ share('a', 'b') }} FROM t WHERE {{ at_least('a', 5) }}"
    found = " ".join(rendered(library, IMPORT + source).sql.split())
    assert found == ('SELECT CAST("a" AS DECIMAL(18, 4)) / NULLIF("b", 0) FROM t WHERE "a" >= 5')
    by_name = "{% import 'macros/parts.sql' as parts %}SELECT {{ parts.share('a', 'b') }} FROM t"
    assert "NULLIF" in rendered(library, by_name).sql


def test_places_are_exact_on_both_sides(library: Path) -> None:
    source = IMPORT + "SELECT {{ share('a', 'b') }}\nFROM t"
    found = rendered(library, source)
    at = found.where(found.sql.index("NULLIF"))
    line = MACROS.lstrip("\n").split("\n")[2]
    assert at == ("sql_templates/macros/parts.sql", 3, line.index("NULLIF") + 1)
    assert found.where(found.sql.index("FROM t")) == ("sql_templates/t.sql", 3, 1)
    start = found.sql.index("NULLIF")
    assert found.written(start, start + 6) is None, "no fix edits the template for it"


def test_a_value_is_a_literal_in_a_macro_too(library: Path) -> None:
    source = IMPORT + "SELECT 1 FROM t WHERE {{ at_least('a', \"x' OR '1'='1\") }}"
    assert "'x'' OR ''1''=''1'" in rendered(library, source).sql


def test_macros_of_macros(library: Path) -> None:
    (library / "macros/deep").mkdir()
    (library / "macros/deep/more.sql").write_text(
        "{% from 'macros/parts.sql' import share %}\n"
        "{% macro half(x) %}{{ share(x, x) }} / 2{% endmacro %}\n"
    )
    source = "{% from 'macros/deep/more.sql' import half %}SELECT {{ half('a') }} FROM t"
    assert "/ 2" in rendered(library, source).sql


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("{% from 'macros/prts.sql' import share %}SELECT 1",
         "sql_templates/t.sql:1:10: E302 there are no macros 'macros/prts.sql'\n"
         "  hint: did you mean 'macros/parts.sql'?"),
        ("{% from 'orders/totals.sql' import x %}SELECT 1", "E302 there are no macros 'orders"),
        ("{% from 'macros/../../secret.sql' import x %}SELECT 1", "E302 there are no macros"),
        ("{% include 'macros/parts.sql' %}SELECT 1", "1:4: E402 a template stands by itself"),
        ("{% extends 'macros/parts.sql' %}SELECT 1", "1:4: E402 a template stands by itself"),
        ("{% set f = 'macros/' ~ 'parts.sql' %}{% include f %}SELECT 1", "E402"),
        ("{% from 'macros/parts.sql' import shre %}SELECT {{ shre('a') }}", "t.sql:1"),
        (IMPORT + "SELECT {{ share('a') }} FROM t", "E402"),
    ],
)  # fmt: skip
def test_mistakes_of_the_template(library: Path, source: str, expected: str) -> None:
    (library.parent / "secret.sql").write_text("{% macro x() %}1{% endmacro %}")
    assert expected in told(library, source)


@pytest.mark.parametrize(
    ("macro", "expected"),
    [
        ("{% macro m(x) %}\n{{ y }}{% endmacro %}", "macros/parts.sql:2:4: E403 unknown name 'y'"),
        ("{% macro m(x) %}{{ interval.start }}{% endmacro %}",
         "macros/parts.sql:1:20: E403 unknown name 'interval'"),
        ("{% macro m(x) %}\n {{ x.__class__ }}{% endmacro %}", "macros/parts.sql:2:7: E703"),
        ("{% macro m(x) %}\n{% if x %}{% endmacro %}", "macros/parts.sql:2"),
        ("{% macro m(x) %}'{{ x }}'{% endmacro %}", "a value inside a quoted text"),
        ("{% from 'macros/none.sql' import n %}{% macro m(x) %}1{% endmacro %}",
         "macros/parts.sql:1:10: E302 there are no macros 'macros/none.sql'"),
        ("{% macro m(x) %}{% include 'a' %}{% endmacro %}", "macros/parts.sql:1:20: E402"),
    ],
)  # fmt: skip
def test_mistakes_of_macros(library: Path, macro: str, expected: str) -> None:
    (library / "macros/parts.sql").write_text(macro)
    source = "{% from 'macros/parts.sql' import m %}\nSELECT {{ m('a') }} FROM t"
    assert expected in told(library, source)


def test_a_link_is_no_file_of_macros(library: Path) -> None:
    (library.parent / "secret.sql").write_text("{% macro m(x) %}1{% endmacro %}")
    (library / "macros/linked.sql").symlink_to(library.parent / "secret.sql")
    assert "E302" in told(library, "{% from 'macros/linked.sql' import m %}SELECT {{ m(1) }}")


def test_files_that_import_each_other_end(library: Path) -> None:
    (library / "macros/parts.sql").write_text(
        "{% from 'macros/other.sql' import n %}{% macro m(x) %}{{ n(x) }}{% endmacro %}"
    )
    (library / "macros/other.sql").write_text(
        "{% from 'macros/parts.sql' import m %}{% macro n(x) %}{{ m(x) }}{% endmacro %}"
    )
    assert "E402" in told(library, "{% from 'macros/parts.sql' import m %}SELECT {{ m('a') }}")


@pytest.fixture
def shared(orders: Folder) -> Folder:
    orders.write("sql_templates/macros/parts.sql", MACROS)
    text = TOTALS.replace("GROUP BY", "WHERE {{ at_least('amount', params.least) }}\nGROUP BY")
    orders.write("sql_templates/orders/totals.sql", IMPORT + text.lstrip("\n"))
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text() + "    params: {least: 20}\n")
    return orders


def test_a_run_with_macros(shared: Folder, etl: Etl) -> None:
    assert etl("lint").stdout == ""
    assert etl("run", "orders", "--date", "2024-06-25").returncode == 0
    assert shared.query("SELECT customer FROM totals") == [("bob",)]


def test_lint_sees_changes_of_macros_and_tells_their_places(shared: Folder) -> None:
    linter = Linter(shared.root)
    assert linter.look() == []
    shared.write(
        "sql_templates/macros/parts.sql", MACROS.replace(">= {{ least", ">= amuont + {{ least")
    )
    (problem,) = linter.look()
    assert (problem.path, problem.line, problem.code) == (
        "sql_templates/macros/parts.sql",
        6,
        "E413",
    )
    shared.write("sql_templates/macros/parts.sql", MACROS)
    assert linter.look() == []
    (shared.root / "sql_templates/macros/parts.sql").rename(shared.root / "parts.sql")
    (problem, *_) = linter.look()
    assert problem.code == "E302"
    (shared.root / "parts.sql").rename(shared.root / "sql_templates/macros/parts.sql")
    assert linter.look() == []


def test_a_macro_that_nobody_imports_is_no_template(orders: Folder) -> None:
    orders.write("sql_templates/macros/parts.sql", MACROS)
    assert Linter(orders.root).look() == []
    assert ORDERS
