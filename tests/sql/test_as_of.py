"""A fact is joined with the version of its moment: exactly one, on every engine."""

from __future__ import annotations

import random
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import duckdb
import pytest

from etl_framework.devstack.stack import Stack
from etl_framework.errors import Diagnostic
from etl_framework.lint.rules.keys import conjuncts
from etl_framework.plan.draft import parsed
from etl_framework.sql.as_of import histories_of
from etl_framework.sql.dialect import parse
from etl_framework.sql.planner import config
from etl_framework.sql.quote import literal
from etl_framework.sql.scope import column_problems
from tests.fuzz.sql import connected
from tests.sql.test_templates import DAY, PARAMS, problem, render
from tests.sql.translation import translate

BERLIN = ZoneInfo("Europe/Berlin")
# The hours around the nights in which the clocks of Berlin change, and two of other nights.
NIGHTS = (datetime(2024, 3, 31), datetime(2024, 10, 27), datetime(2024, 6, 1), datetime(2024, 6, 3))
HISTORY = {"id": "INTEGER", "note": "INTEGER", "valid_from": "TIMESTAMPTZ",
           "valid_to": "TIMESTAMPTZ"}  # fmt: skip
TYPES = ("TIMESTAMPTZ", "TIMESTAMP", "DATE")
Version = tuple[int, int, datetime, datetime | None]


@pytest.mark.parametrize(
    ("expression", "sql"),
    [
        pytest.param(
            "as_of('c', 'f.at')",
            '("f"."at" >= "c"."valid_from" AND '
            '("f"."at" < "c"."valid_to" OR "c"."valid_to" IS NULL))',
            id="two names",
        ),
        pytest.param(
            "as_of('My c', 'my f.At \"x\"')",
            '("my f"."At ""x""" >= "My c"."valid_from" AND '
            '("my f"."At ""x""" < "My c"."valid_to" OR "My c"."valid_to" IS NULL))',
            id="names that need quotes",
        ),
    ],
)
def test_the_condition(expression: str, sql: str) -> None:
    assert render(f"SELECT {{{{ {expression} }}}}").sql == f"SELECT {sql}"


@pytest.mark.parametrize(
    "expression",
    ["as_of('c')", "as_of('c', 5)", "as_of('', 'f.at')", "as_of('c', none)",
     "as_of('c', 'f.at') ~ ''", "as_of", "'x' ~ as_of('c', 'f.at')"],
)  # fmt: skip
def test_what_is_no_condition(expression: str) -> None:
    told = problem(f"SELECT\n  {{{{ {expression} }}}}")

    assert (told.line, told.code) == (2, "E402"), told


def test_a_name_cannot_change_the_query() -> None:
    sql = render("SELECT {{ as_of('c\" OR 1=1 --', params.evil) }}").sql

    assert histories_of(_tests(f"{sql} FROM f, c", where=False)) == {'c" OR 1=1 --'}


def test_a_table_that_is_not_there_is_told_at_its_place() -> None:
    draft = parsed("t.sql", "SELECT 1 AS n FROM f JOIN c\n  ON {{ as_of('d', 'f.at') }}", DAY, {})

    assert not isinstance(draft, list)
    columns = {"f": ["at"], "c": ["valid_from", "valid_to"]}
    told = list(column_problems(draft.scopes, columns))
    assert {(p.code, p.message, p.hint) for p in told} == {
        ("E412", "unknown table 'd'", "known: c, f")
    }
    assert {draft.rendered.place(p.offset) for p in told} == {(2, 6)}


@pytest.mark.parametrize(
    ("where", "histories"),
    [
        ("f.at >= c.valid_from AND (f.at < c.valid_to OR c.valid_to IS NULL)", {"c"}),
        ("c.valid_from <= f.at AND f.at < COALESCE(c.valid_to, '9999-01-01')", {"c"}),
        ("f.at >= c.valid_from", set()),
        ("f.at BETWEEN c.valid_from AND c.valid_to", set()),
        ("c.is_current", set()),
    ],
)
def test_conditions_in_other_words(where: str, histories: set[str]) -> None:
    assert histories_of(_tests(f"SELECT 1 FROM f, c WHERE {where}")) == histories


def _tests(sql: str, *, where: bool = True) -> list[Any]:
    tree = parse(sql)
    return conjuncts(tree.args["where"] if where else tree.selects[0])


def test_params_may_name_both() -> None:
    source = "SELECT 1 AS n FROM f JOIN c ON {{ as_of(params.name, 'f.at') }}"
    assert '"O\'Brien"."valid_from"' in render(source).sql
    assert not isinstance(parsed("t.sql", source, DAY, PARAMS), Diagnostic)


@pytest.fixture(params=["duckdb", "redshift"])
def engine(request: pytest.FixtureRequest) -> Iterator[Any]:
    """What runs statements, with the pipeline's zone as that of the session."""
    if request.param == "duckdb":
        with duckdb.connect(config=config()) as session:
            session.execute("SET TimeZone = 'Europe/Berlin'")
            yield session
        return
    stack: Stack = request.getfixturevalue("stack")
    connection = connected(stack)
    with connection.cursor() as cursor:
        cursor.execute("SET timezone TO 'Europe/Berlin'")
        yield cursor
    connection.close()


def filled(engine: Any, table: str, types: dict[str, str], rows: list[tuple[Any, ...]]) -> None:
    listed = ", ".join(f'"{name}" {type_}' for name, type_ in types.items())
    engine.execute(f"CREATE TABLE {table} ({listed})")
    values = ", ".join(f"({', '.join(map(sql_of, row, types.values()))})" for row in rows)
    engine.execute(f"INSERT INTO {table} VALUES {values}")


def some_moment(chance: random.Random) -> datetime:
    hours = timedelta(minutes=30 * chance.randrange(12))
    return (chance.choice(NIGHTS) - timedelta(hours=2)).replace(tzinfo=UTC) + hours


def some_history(chance: random.Random, keys: int) -> list[Version]:
    versions: list[Version] = []
    for key in range(keys):
        begins = sorted({some_moment(chance) for _ in range(chance.randrange(5))})
        for number, begin in enumerate(begins):
            following = begins[number + 1] if number + 1 < len(begins) else None
            gone = begin + timedelta(minutes=15) if chance.random() < 0.2 else following
            versions.append((key, number, begin, gone))
    return versions


def some_event(chance: random.Random, type_: str, versions: list[Version]) -> Any:
    """An event of a type, often at the very start or end of a version, and sometimes of no time."""
    if chance.random() < 0.1:
        return None
    ends = [at for version in versions for at in version[2:] if at]
    at = chance.choice(ends) if ends and chance.random() < 0.5 else some_moment(chance)
    at += timedelta(microseconds=chance.choice((-1, 0, 1)))
    if type_ == "TIMESTAMPTZ":
        return at
    local = at.astimezone(BERLIN).replace(tzinfo=None)
    return local.date() if type_ == "DATE" else local


def as_moment(event: Any) -> datetime:
    if not isinstance(event, datetime):
        event = datetime.combine(event, time())
    return event if event.tzinfo else event.replace(tzinfo=BERLIN)


def sql_of(value: Any, type_: str) -> str:
    if value is None or isinstance(value, int):
        return literal(value)
    text = value.isoformat(sep=" ") if isinstance(value, datetime) else value.isoformat()
    return f"CAST({literal(text)} AS {type_})"


@pytest.mark.parametrize("type_", TYPES)
def test_one_version_of_each_event(engine: Any, type_: str) -> None:
    chance = random.Random(f"as of {type_}")
    versions = some_history(chance, 40)
    by_key = {key: [v for v in versions if v[0] == key] for key in range(41)}
    events = [
        (number, number % 41, some_event(chance, type_, by_key[number % 41]))
        for number in range(600)
    ]
    expected = {
        number: [
            note
            for _, note, begin, end in by_key[key]
            if event is not None
            and begin <= (at := as_moment(event).astimezone(UTC))
            and (end is None or at < end)
        ]
        for number, key, event in events
        if not _is_twice(event)
    }
    assert {len(notes) for notes in expected.values()} == {0, 1}
    filled(engine, "c", HISTORY, list(versions))
    types = {"event": "INTEGER", "id": "INTEGER", "at": type_}
    filled(engine, "f", types, [event for event in events if event[0] in expected])
    condition = render("f.id = c.id AND {{ as_of('c', 'f.at') }}").sql
    sql = f"SELECT f.event, c.note FROM f LEFT JOIN c ON {condition}"

    engine.execute(
        translate(sql, {"c": HISTORY, "f": types})
        if isinstance(engine, duckdb.DuckDBPyConnection)
        else sql
    )
    found = engine.fetchall()

    assert sorted(found, key=str) == sorted(
        ((n, notes[0] if notes else None) for n, notes in expected.items()), key=str
    )


def _is_twice(event: Any) -> bool:
    """Whether clocks show a local time twice or never; engines may take either for it."""
    if not isinstance(event, datetime) or event.tzinfo:
        return False
    first, second = (event.replace(tzinfo=BERLIN, fold=fold) for fold in (0, 1))
    return first.utcoffset() != second.utcoffset()
