"""Templates: values become literals, names are strict, the sandbox holds, places are exact."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from etl_framework.errors import Diagnostic
from etl_framework.interval import DataInterval
from etl_framework.sql.rendered import Rendered
from etl_framework.sql.templates import TemplateProblemError, render_sql

FIRST = "CAST('2024-10-27 02:00:00+02:00' AS TIMESTAMPTZ)"
DAY = DataInterval(datetime(2024, 6, 25, 3, tzinfo=UTC), datetime(2024, 6, 26, 3, tzinfo=UTC))
PARAMS: dict[str, Any] = {
    "limit": 5, "name": "O'Brien", "flag": True, "many": [1, "a'b"], "share": 0.5,
    "evil": "x' OR 1 = 1 --", "back": "x\\", "keys": 1, "column": 'a"b', "lines": "a\nb",
}  # fmt: skip


def render(source: str) -> Rendered:
    return render_sql("t.sql", source, DAY, PARAMS)


def problem(source: str) -> Diagnostic:
    with pytest.raises(TemplateProblemError) as caught:
        render(source)
    return caught.value.diagnostic


@pytest.mark.parametrize(
    ("expression", "sql"),
    [
        pytest.param("params.limit", "5", id="a number"),
        pytest.param("params['limit']", "5", id="a number by its key"),
        pytest.param("params.flag", "TRUE", id="a boolean"),
        pytest.param("params.share", "0.5", id="a fraction"),
        pytest.param("params.name", "'O''Brien'", id="a text with a quote"),
        pytest.param("params.many", "(1, 'a''b')", id="a list"),
        pytest.param("params.name | upper", "'O''BRIEN'", id="a text after a filter"),
        pytest.param("params.name ~ params.limit", "'O''Brien5'", id="texts put together"),
        pytest.param("params.nothing | default(3)", "3", id="a default"),
        pytest.param("interval.start", "TIMESTAMP '2024-06-25 03:00:00'", id="a moment"),
        pytest.param("interval.date", "'2024-06-25'", id="the day"),
        pytest.param("interval.start.year", "2024", id="a part of a moment"),
        pytest.param("ident('a')", '"a"', id="a name"),
        pytest.param("ident(params.column)", '"a""b"', id="a name with a quote"),
        pytest.param("ident('x; DROP')", '"x; DROP"', id="a name that is none"),
        pytest.param("'abc'", "'abc'", id="a text of the template itself"),
        pytest.param("none", "NULL", id="nothing"),
        pytest.param("params.back", r"'x\\'", id="a backslash, which escapes on Redshift"),
        pytest.param("params.keys", "1", id="a param called as a method of a dictionary"),
    ],
)
def test_a_value_becomes_a_literal(expression: str, sql: str) -> None:
    assert render(f"SELECT {{{{ {expression} }}}} AS x").sql == f"SELECT {sql} AS x"


@pytest.mark.parametrize(
    "expression",
    [
        pytest.param("params.evil", id="as it is"),
        pytest.param("params.evil | trim", id="after a filter"),
        pytest.param("params.evil ~ ''", id="put together"),
        pytest.param("[params.evil] | join", id="joined"),
    ],
)
def test_a_text_of_a_param_stays_one_value(expression: str) -> None:
    sql = render(f"SELECT {{{{ {expression} }}}}").sql

    assert duckdb.sql(sql).fetchall() == [(PARAMS["evil"],)]


@pytest.mark.parametrize(
    "source",
    [
        pytest.param("SELECT {{ params.evil | safe }}", id="safe"),
        pytest.param("SELECT {{ params.evil | escape }}", id="escaped for HTML"),
        pytest.param("SELECT {{ params.evil | tojson }}", id="as JSON"),
        pytest.param("SELECT {{ {'a': params.evil} | xmlattr }}", id="as attributes of XML"),
        pytest.param("SELECT {{ ident('a') + params.evil }}", id="added to a name"),
        pytest.param("SELECT {{ ident('%s') % params.evil }}", id="put into a name"),
        pytest.param("SELECT {{ ident('a').join([params.evil, 'b']) }}", id="joined by a name"),
        pytest.param("SELECT * FROM t WHERE a = '{{ params.evil }}'", id="in quotes"),
        pytest.param("SELECT 1 -- {{ params.lines }}\n", id="in a comment"),
        pytest.param('SELECT "{{ params.limit }}"', id="in a quoted name"),
        pytest.param("SELECT $${{ params.limit }}$$", id="in dollars"),
        pytest.param("SELECT {{ params.evil }}'x'", id="before a quoted text"),
        pytest.param("SELECT {{ params.limit }}{{ params.limit }}", id="after another value"),
        pytest.param("SELECT 1 -{{ -1 }}", id="a minus that makes a comment"),
        pytest.param(
            "{% macro m() %}a{% endmacro %}SELECT {{ m() + params.evil }}",
            id="added to what a macro gives",
        ),
        pytest.param(
            "{% macro m() %}a{% endmacro %}SELECT {{ '%s' | format(m()) }}",
            id="what a macro gives as a value",
        ),
        pytest.param(
            "{% filter default(params.evil, true) %}{% endfilter %}SELECT 1",
            id="as a block's default",
        ),
        pytest.param("SELECT {{ ident('a') ~ params.evil }}", id="put behind a name"),
    ],
)
def test_a_way_around_literals_is_refused(source: str) -> None:
    assert problem(source).code in ("E401", "E402", "E403")


@pytest.mark.parametrize(
    "expression",
    [
        "''.__class__", "''.__class__.__mro__", "params.__class__", "params._values",
        "params | attr('_values')", "params.keys()", "interval.start.__class__",
        "interval.__init__", "ident.__globals__", "ident.__code__", "ident", "params", "interval",
        "self._TemplateReference__context", "'{0.__class__}'.format(1)",
        "params.many.append(1)", "params.many | map(attribute='__class__') | list",
        "1 / 0", "params.many[5]", "ident(1)", "ident(none)", "{'a': 1}", "'a' * 99999999",
    ],
)  # fmt: skip
def test_a_way_out_of_the_sandbox_is_refused(expression: str) -> None:
    assert problem(f"SELECT {{{{ {expression} }}}}").code in ("E402", "E403", "E703")


@pytest.mark.parametrize(
    ("source", "sql"),
    [
        pytest.param("{% macro m(x) %}a = {{ x }}{% endmacro %}SELECT {{ m(params.name) }}",
                     "SELECT a = 'O''Brien'", id="a macro"),
        pytest.param("{% set x %}a, b{% endset %}SELECT {{ x }}", "SELECT a, b", id="a set block"),
        pytest.param("{% block b %}SELECT {{ params.limit }}{% endblock %}", "SELECT 5",
                     id="a block"),
        pytest.param("SELECT {% for c in ['a', 'b'] %}{{ ident(c) }}, {% endfor %}1",
                     'SELECT "a", "b", 1', id="a loop"),
        pytest.param("SELECT\r\n  {{ params.limit }}", "SELECT\n  5", id="lines of Windows"),
    ],
)  # fmt: skip
def test_what_a_template_says_itself_stays(source: str, sql: str) -> None:
    assert render(source).sql == sql


def test_a_value_leads_to_its_expression() -> None:
    source = "SELECT {% for c in ['a', 'b'] %}\n  {{ ident(c) }},{% endfor %} 1"
    rendered = render(source)

    assert rendered.place(rendered.sql.index("b")) == (2, 3)


@pytest.mark.parametrize("body", ["x", "{{ j }}"])
def test_nested_loops_end(body: str) -> None:
    loop = "{% for j in 'a' * 900000 %}"
    source = f"{loop}{loop}{body}{{% endfor %}}{{% endfor %}}"

    assert problem(source).code == "E402"


@pytest.mark.parametrize("tag", ["include 'x'", "import 'x' as y", "extends 'x'", "foo", "if"])
def test_other_files_and_unknown_tags_are_refused(tag: str) -> None:
    assert problem(f"SELECT 1\n{{% {tag} %}}").code in ("E302", "E401", "E402")


@pytest.mark.parametrize(
    ("source", "place", "hint"),
    [
        pytest.param("SELECT {{ params.limt }}", (1, 18), "did you mean 'limit'?", id="a param"),
        pytest.param("SELECT\n  {{ nope }}", (2, 6), "known: params", id="a name"),
        pytest.param("{% if params.nope %}1{% endif %}", (1, 14), "known: params", id="in an if"),
        pytest.param("SELECT {{ params.limit }} {{ limit }}", (1, 30), "", id="after its like"),
        pytest.param("SELECT {{ range(3) }}", (1, 11), "known: params", id="a global of Jinja"),
    ],
)
def test_an_unknown_name_is_placed(source: str, place: tuple[int, int], hint: str) -> None:
    found = problem(source)

    assert (found.code, found.line, found.column) == ("E403", *place)
    assert found.hint.startswith(hint)


@pytest.mark.parametrize(
    ("source", "line"),
    [
        pytest.param("SELECT 1\n{{ x", 2, id="an open expression"),
        pytest.param("SELECT 1\n\n{% for x in %}", 3, id="a broken tag"),
        pytest.param("SELECT 1\n{{ params.name | nope }}", 2, id="an unknown filter"),
    ],
)
def test_a_syntax_error_is_placed(source: str, line: int) -> None:
    assert (problem(source).code, problem(source).line) == ("E401", line)


@pytest.mark.parametrize(
    ("source", "word"),
    [
        pytest.param("SELECT wrong", "wrong", id="without expressions"),
        pytest.param("SELECT {{ params.name }}, wrong", "wrong", id="after an expression"),
        pytest.param("SELECT {{ params.name }},\n  {{ params.many }},\n  wrong", "wrong",
                     id="lines below expressions"),
        pytest.param("{# say wron #}SELECT {% if true %}{{ params.limit }} + wrong{% endif %}",
                     "wrong", id="in an if, after a comment"),
        pytest.param("SELECT {% for n in params.many %}{{ n }}, {% endfor %} wrong", "wrong",
                     id="after a loop"),
        pytest.param("SELECT {% for n in [1, 2] %}n{% endfor %}, wrong", "wrong",
                     id="after a loop whose text is in its tag"),
        pytest.param("SELECT {% for n in [1, 2] -%}  x,\n  {%- endfor %} wrong", "wrong",
                     id="with white space taken away"),
        pytest.param("{% raw %}SELECT '{{ x }}', wrong{% endraw %}", "wrong", id="raw"),
        pytest.param("SELECT 'é', {{ params.limit }}, wrong", "wrong", id="letters beyond ASCII"),
    ],
)  # fmt: skip
def test_a_place_in_sql_is_found_in_the_template(source: str, word: str) -> None:
    rendered = render(source)
    line = source.count("\n", 0, source.index(word)) + 1
    column = source.index(word) - (source.rfind("\n", 0, source.index(word)) + 1) + 1

    assert "\ue000" not in rendered.sql
    assert rendered.place(rendered.sql.index(word)) == (line, column)


def test_each_turn_of_a_loop_leads_to_the_same_place() -> None:
    source = "SELECT {% for n in params.many %}{{ n }} AS here, {% endfor %}1"
    rendered = render(source)
    first = rendered.sql.index("here")

    second = rendered.sql.index("here", first + 1)
    assert rendered.place(first) == rendered.place(second) == (1, source.index("here") + 1)


@pytest.mark.parametrize(
    ("template", "sql"),
    [
        ("at < {{ interval.end }}", f"at < {FIRST}"),
        ("{{ interval.end }} > at", f"{FIRST} > at"),
        ("at BETWEEN {{ interval.start }} AND {{ interval.end }}",
         f"at BETWEEN TIMESTAMP '2024-10-27 01:00:00' AND {FIRST}"),
        ("SELECT {{ interval.end }} AS at", "SELECT TIMESTAMP '2024-10-27 02:00:00' AS at"),
        ("day < CAST({{ interval.end }} AS DATE)",
         "day < CAST(TIMESTAMP '2024-10-27 02:00:00' AS DATE)"),
    ],
)  # fmt: skip
def test_the_first_of_two_moments_of_one_name(template: str, sql: str) -> None:
    """Where it is compared, it has its zone: a database takes one without for the second."""
    berlin = ZoneInfo("Europe/Berlin")
    first = datetime(2024, 10, 27, 2, tzinfo=berlin)
    before, after = first - timedelta(hours=1), first.replace(fold=1)
    assert render_sql("x.sql", template, DataInterval(before, first), {}).sql == sql
    later = render_sql("x.sql", template, DataInterval(before, after), {}).sql
    assert "TIMESTAMPTZ" not in later
