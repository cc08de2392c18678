"""Line and column in YAML texts of each style, in Jinja, and in files with odd line ends."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.lint.test_pages import BASE, linted
from tests.lint.test_rules import PIPELINE, SOLD


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return shutil.copytree(BASE, tmp_path / "project")


def places(root: Path, path: str, text: str, word: str = "NOPE") -> tuple[list[str], list[str]]:
    """Where lint says that the word is, and where it is."""
    (root / path).write_bytes(text.encode("utf-8"))
    lines = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n").split("\n")
    there = [
        f"{number}:{column + 1}"
        for number, line in enumerate(lines, 1)
        for column in range(len(line))
        if line.startswith(word, column)
    ]
    return [
        f"{p.line}:{p.column}" for p in linted(root) if word.lower() in p.message.lower()
    ], there


@pytest.mark.parametrize(
    "written",
    [
        pytest.param("items > 0 AND NOPE < 3", id="plain"),
        pytest.param('"items > 0 AND NOPE < 3"', id="in quotes"),
        pytest.param("'customer = ''it''''s'' AND NOPE < 3'", id="quotes in single quotes"),
        pytest.param('"customer = \'\\t\\x41\\u00e4\\"\' AND NOPE < 3"', id="escapes"),
        pytest.param("items > 0\n          AND\n          NOPE < 3", id="plain over lines"),
        pytest.param('"items > 0\n          AND NOPE\n          < 3"', id="quoted over lines"),
        pytest.param('"items > 0 \\\n          AND NOPE < 3"', id="a line that goes on"),
        pytest.param(">\n          items > 0\n          AND NOPE < 3", id="folded"),
        pytest.param(
            ">-\n          items > 0\n\n          AND NOPE < 3", id="folded, with a blank"
        ),
        pytest.param("|\n          items > 0\n            AND NOPE < 3", id="literal"),
        pytest.param("|2-\n          items > 0\n          AND NOPE < 3", id="with an indentation"),
        pytest.param("&here items > 0 AND NOPE < 3", id="with an anchor"),
        pytest.param("!!str items > 0 AND NOPE < 3", id="with a tag"),
        pytest.param("\"customer = '漢字 😀' AND NOPE < 3\"", id="wide letters"),
    ],
)
@pytest.mark.parametrize(
    ("ends", "mark"), [("\n", ""), ("\r\n", "\ufeff")], ids=["unix", "windows with a mark"]
)
def test_a_condition_in_yaml(root: Path, written: str, ends: str, mark: str) -> None:
    text = (BASE / PIPELINE).read_text(encoding="utf-8")
    old = '{type: expression, expression: "items > 0"}'
    assert old in text
    text = text.replace(old, f"type: expression\n        expression: {written}")

    found, there = places(root, PIPELINE, mark + text.replace("\n", ends))

    assert found == there != []


@pytest.mark.parametrize(
    ("written", "column"),
    [
        pytest.param('"items > "', 7, id="at the end"),
        pytest.param("items > 3 AND AND", 15, id="at the second word"),
        pytest.param('"items = 1) OR (1 = 1"', 10, id="at the bracket"),
    ],
)
def test_a_condition_that_does_not_parse(root: Path, written: str, column: int) -> None:
    text = (BASE / PIPELINE).read_text(encoding="utf-8")
    (root / PIPELINE).write_text(text.replace('expression: "items > 0"', f"expression: {written}"))

    (found,) = [each for each in linted(root) if each.code == "E309"]

    start = text.split("\n")[found.line - 1].index('expression: "') + len("expression: ")
    assert found.column - start - (written[0] == '"') == column


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT customer, amount,\n\titems, NOPE FROM orders", id="behind a tab"),
        pytest.param("SELECT '漢字 😀', /* ä */ NOPE FROM orders", id="behind wide letters"),
        pytest.param("SELECT 1 FROM orders\nWHERE ordered_at < {{ interval.end }} AND NOPE = 1",
                     id="behind a value"),
        pytest.param("{% for c in ['amount', 'items'] %}{% if loop.first %}SELECT {% endif %}\n"
                     "  {{ ident(c) }},{% endfor %}\n NOPE\nFROM orders", id="behind a loop"),
        pytest.param("SELECT 1\n{% if params.x is defined %}, a{% else %},\n  NOPE{% endif %}\n"
                     "FROM orders", id="in the branch that is taken"),
        pytest.param("{% macro m(a) %}NOPE + {{ a }}{% endmacro %}SELECT {{ m(3) }} FROM orders",
                     id="in a macro"),
        pytest.param("{% set x %}\n  NOPE\n{% endset %}SELECT {{ x }} FROM orders", id="in a set"),
        pytest.param("{#- a comment\n over lines -#}\n\n SELECT -- it's\n NOPE FROM orders",
                     id="behind comments"),
        pytest.param("{%- set y = 1 -%}   SELECT\n{%- if true %}\n  NOPE {%- endif %} FROM orders",
                     id="where white space is taken away"),
        pytest.param("{% raw %}SELECT{% endraw %} NOPE FROM orders", id="behind a raw block"),
    ],
)  # fmt: skip
@pytest.mark.parametrize(
    ("ends", "mark"), [("\n", ""), ("\r\n", "\ufeff")], ids=["unix", "windows with a mark"]
)
def test_a_column_in_a_template(root: Path, sql: str, ends: str, mark: str) -> None:
    found, there = places(root, SOLD, mark + sql.replace("\n", ends) + ends)

    assert found == there != []


def test_a_column_in_each_turn_of_a_loop_is_told_once(root: Path) -> None:
    sql = "SELECT\n{% for x in [1, 2, 3] %}  NOPE + {{ x }},{% endfor %} 1 FROM orders"

    assert places(root, SOLD, sql) == (["2:27"], ["2:27"])


@pytest.mark.parametrize(
    ("sql", "place"),
    [
        ("SELECT customer,\n  SUM(customer) AS x FROM orders GROUP BY 1", "2:3"),
        ("SELECT customer AS x FROM orders\nWHERE items > 1 AND items > customer", "2:21"),
        ("SELECT crc32(items) AS x FROM orders", "1:8"),
        ("SELECT items,\n  DATE_PART('hour', ordered_at) AS x FROM orders", "2:3"),
        ("SELECT items,\n  SUM(amount) AS x FROM orders", "1:8"),
        ("SELECT customer,\n  TO_CHAR(SUM(amount), '9') AS x FROM orders GROUP BY 1", "2:3"),
        ("SELECT SUM(items) OVER (ORDER BY amount) AS x FROM orders", "1:8"),
        ("SELECT {% for c in ['items'] %}\n  SUM({{ ident(c) }}) OVER (ORDER BY items)\n"
         "{% endfor %} AS x FROM orders", "2:3"),
    ],
)  # fmt: skip
def test_what_the_engine_refuses(root: Path, sql: str, place: str) -> None:
    (root / SOLD).write_text(sql)

    found = [each for each in linted(root) if each.path == SOLD and each.code == "E415"]

    assert [f"{each.line}:{each.column}" for each in found] == [place], found


def test_all_names_that_a_template_does_not_know(root: Path) -> None:
    sql = "SELECT {{ params.a }},\n  {{ params.b }}, {{ interval.now }},\n  {{ params.c | d }} FROM"
    (root / SOLD).write_text(sql)

    found = [f"{e.line}:{e.column}" for e in linted(root) if e.code == "E403"]

    assert found == ["1:18", "2:13", "2:31"]


def test_a_template_that_takes_in_another(root: Path) -> None:
    (root / SOLD).write_text("SELECT 1 AS a\n  {%- include 'orders/by_country.sql' %}")

    found = [str(each) for each in linted(root) if each.path == SOLD]

    assert found == [
        f"{SOLD}:2:7: E402 a template stands by itself: it cannot take in another\n"
        "  hint: write what is shared as a transform, or as a macro that it imports"
    ]
