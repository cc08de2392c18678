"""`etl apply` on warehouses: every change of a table, or none, and nothing is lost."""

from __future__ import annotations

import pickle
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from dataclasses import replace
from functools import partial
from threading import Thread
from typing import Any

import pytest

from etl_framework.columns import Column, ColumnType
from etl_framework.errors import RetryableError, StepError
from etl_framework.targets.apply import Apply
from etl_framework.targets.base import Warehouse
from etl_framework.targets.columns import TargetColumn
from etl_framework.targets.look import Wish
from etl_framework.targets.publication import lock_name
from etl_framework.targets.tables import Table
from etl_framework.targets.target import Target
from tests.targets.killed import Order, ordering
from tests.targets.places import Place
from tests.thorough import amount

PLACE = ("pipelines/orders.yml", 12, 3)


def table(columns: dict[str, str], name: str = "t", was: dict[str, str] | None = None,
          **target: Any) -> Table:  # fmt: skip
    declared = [
        TargetColumn(name=column, type=ColumnType.parse(type_), was=(was or {}).get(column))
        for column, type_ in columns.items()
    ]
    return Table(Target(connection="w", table=name, **target), declared, place=PLACE)


def applied(place: Place, *wishes: Wish) -> None:
    with place.open() as warehouse:
        apply_to(warehouse, *wishes)


def apply_to(warehouse: Warehouse, *wishes: Wish) -> None:
    """What the command does: look at it, and do it."""
    apply = Apply(warehouse, wishes)
    apply.refuse()
    apply.run(apply.told())


def refused(place: Place, *wishes: Wish) -> list[tuple[str, str]]:
    """The messages and hints; the tables are as they were."""
    before = everything(place)
    with pytest.raises(StepError) as caught:
        applied(place, *wishes)
    assert everything(place) == before
    assert all(said.place == "pipelines/orders.yml:12:3: " for said in caught.value.diagnostics)
    assert not any(word in str(caught.value).upper() for word in ("DROP TABLE", "CASCADE"))
    return [(said.message, said.hint) for said in caught.value.diagnostics]


def everything(place: Place) -> list[Any]:
    """The tables `t` and `u`: their columns and their rows."""
    with place.open() as warehouse:
        columns = [list(warehouse.table_columns(name).items()) for name in "tu"]
        return columns + [
            sorted(warehouse.query(f"SELECT * FROM {name}")[1], key=repr)
            for name, there in zip("tu", columns, strict=True)
            if there
        ]


def types(place: Place, name: str = "t") -> dict[str, str]:
    with place.open() as warehouse:
        return {
            column: str(warehouse.type_of(type_))
            for column, type_ in warehouse.table_columns(name).items()
        }


def test_narrower_and_other_types_keep_every_value(place: Place) -> None:
    place.do(
        "CREATE TABLE t (id bigint, amount decimal(12,4), code varchar(20), moment timestamp)",
        "INSERT INTO t VALUES (1, 2.5, '17', '2024-06-25 00:00:00'), (2, NULL, NULL, NULL)",
    )
    wanted = {"id": "integer", "amount": "decimal(5,2)", "code": "smallint", "moment": "date"}

    applied(place, Wish(table(wanted)))

    assert types(place) == wanted
    rows = place.rows("SELECT * FROM t ORDER BY id")
    assert [tuple(map(str, row)) for row in rows] == [
        ("1", "2.50", "17", "2024-06-25"),
        ("2", "None", "None", "None"),
    ]
    applied(place, Wish(table(wanted)))  # once more, with nothing to do


def test_all_that_would_be_lost_is_told_and_nothing_is_changed(place: Place) -> None:
    place.do(
        "CREATE TABLE t (id bigint, code varchar(20), fine bigint)",
        "INSERT INTO t VALUES (1, '007', 1), (3000000000, 'secret', 2), (NULL, '12', 3)",
        "CREATE TABLE u (v boolean)",
        "INSERT INTO u VALUES (TRUE)",
    )
    wanted = {"id": "integer", "code": "integer", "fine": "integer"}
    told = refused(
        place,
        Wish(table(wanted), hidden=frozenset({"code"})),
        Wish(table({"v": "date"}, "u")),
    )

    assert [message for message, _ in told] == [
        "t.id: 1 row has a value that integer does not hold exactly: 3000000000",
        "t.code: 2 rows have values that integer does not hold exactly: ***",
        "v: boolean becomes date, and no value is sure to mean the same",
    ]
    assert "declare a type that holds them, or correct the rows" in told[0][1]
    assert "it is bigint now" in told[0][1]


def test_examples_are_few_and_short(place: Place) -> None:
    place.do("CREATE TABLE t (v varchar(60))")
    place.do("INSERT INTO t VALUES " + ", ".join(f"('x{n}{'y' * 40}')" for n in range(9)))

    ((message, _),) = refused(place, Wish(table({"v": "date"})))

    assert message.startswith("t.v: 9 rows have values that date does not hold exactly: 'x0yy")
    assert message.count("…") == 3 and len(message) < 200


def test_a_sensitive_column_shows_no_value(place: Place) -> None:
    place.do("CREATE TABLE t (v varchar(60))", "INSERT INTO t VALUES ('ada@example.com')")
    column = Column(name="v", type=ColumnType.parse("date"), sensitive=True)

    ((message, hint),) = refused(place, Wish(replace(table({}), columns=(column,))))

    assert message.endswith("does not hold exactly: ***") and "ada" not in message + hint


def test_a_numeric_of_any_length_is_cut_by_nobody(place: Place) -> None:
    if place.kind != "postgres":
        pytest.skip("others have no such type")
    place.do("CREATE TABLE t (v numeric, w text)", "INSERT INTO t VALUES (1.2345, 'abc')")
    with place.open() as warehouse:
        load = table({"v": "decimal(38,2)", "w": "varchar(3)"})
        assert warehouse.changes(load)[1]

    ((message, _),) = refused(place, Wish(load))
    assert message == "t.v: 1 row has a value that decimal(38,2) does not hold exactly: 1.2345"
    place.do("UPDATE t SET v = 1.5")
    applied(place, Wish(load))
    assert types(place) == {"v": "decimal(38,2)", "w": "varchar(3)"}


def test_what_else_depends_on_a_column_is_told_by_the_database(place: Place) -> None:
    if place.kind != "postgres":
        pytest.skip("others have no foreign keys, or do not enforce them")
    place.do(
        "CREATE TABLE t (id integer, note integer UNIQUE)",
        "CREATE TABLE u (note integer REFERENCES t (note))",
        "CREATE MATERIALIZED VIEW stored AS SELECT id FROM t",
    )
    with place.open() as warehouse, pytest.raises(StepError) as caught:
        apply_to(warehouse, Wish(table({"id": "integer"}), ("note",)))
    assert "other objects depend on it" in str(caught.value)
    assert "CASCADE" not in str(caught.value)
    assert list(types(place)) == ["id", "note"]

    told = refused(place, Wish(table({"fresh": "integer", "note": "integer"}), ("id",)))
    assert told == [
        ("views read id of t: public.stored", "let them do without it, or keep the column")
    ]
    place.do("DROP MATERIALIZED VIEW stored")


def test_a_column_goes_only_where_it_is_named(place: Place) -> None:
    place.do(
        "CREATE TABLE t (id integer, note varchar(9), must integer NOT NULL)",
        "INSERT INTO t VALUES (1, 'kept', 7)",
    )
    wanted = table({"id": "integer"})
    applied(place, Wish(wanted))
    place.do("INSERT INTO t (id) VALUES (2)")  # `must` may be empty
    assert sorted(place.rows("SELECT id, note, must FROM t"), key=repr) == [
        (1, "kept", 7),
        (2, None, None),
    ]

    applied(place, Wish(wanted, ("NOTE", "must")))

    assert sorted(place.rows("SELECT * FROM t")) == [(1,), (2,)]


def test_what_must_not_be_dropped(place: Place) -> None:
    place.do(
        "CREATE TABLE t (id integer, note varchar(9))",
        "INSERT INTO t VALUES (1, 'kept')",
        "CREATE VIEW seen AS SELECT id, note FROM t",
        "CREATE VIEW over_it AS SELECT note FROM seen",
        "CREATE VIEW other AS SELECT id FROM t",
    )
    told = refused(place, Wish(table({"id": "integer"}), ("note", "id", "nte")))

    assert [message for message, _ in told][:2] == [
        "the table t has no column 'nte'",
        "'id' is a column of the KPI, and is not dropped",
    ]
    assert told[0][1] == "did you mean 'note'?"
    assert "views read" in told[2][0] and "seen" in told[2][0]
    place.do("DROP VIEW over_it", "DROP VIEW seen")

    applied(place, Wish(table({"id": "integer"}), ("note",)))

    assert place.rows("SELECT * FROM other") == [(1,)]
    place.do("DROP VIEW other")


def test_what_a_run_would_do_is_done_too(place: Place) -> None:
    """A new name, a new column, a wider and a narrower type, and a table that is missing."""
    place.do('CREATE TABLE t (old bigint, "Big" varchar(20))', "INSERT INTO t VALUES (1, '12')")
    wanted = table(
        {"fresh": "integer", "Bigger": "smallint", "more": "date"},
        was={"fresh": "old", "Bigger": "Big"},
    )
    applied(place, Wish(wanted), Wish(table({"id": "integer"}, "u")))

    assert types(place) == {"fresh": "integer", "Bigger": "smallint", "more": "date"}
    assert types(place, "u") == {"id": "integer"}
    assert place.rows('SELECT fresh, "Bigger", more FROM t') == [(1, 12, None)]


def test_views_rights_comments_defaults_and_owners_stay(place: Place) -> None:
    if place.kind == "duckdb":
        pytest.skip("DuckDB has no users")
    place.do(
        "CREATE USER etl_ada",
        "CREATE TABLE t (id bigint, v bigint DEFAULT 7, must integer NOT NULL)",
        "COMMENT ON TABLE t IS 'it''s all'",
        "COMMENT ON COLUMN t.v IS 'a \"value\"'",
        "INSERT INTO t VALUES (1, 2, 3)",
        "CREATE VIEW seen AS SELECT v FROM t",
        "GRANT SELECT ON seen TO etl_ada",
        "GRANT SELECT, INSERT ON t TO etl_ada",
        "GRANT UPDATE (v) ON t TO etl_ada",
    )
    facts = (
        "SELECT obj_description(oid, 'pg_class'), col_description(oid, 2), "
        "has_table_privilege('etl_ada', 't', 'INSERT'), "
        "has_column_privilege('etl_ada', 't', 'v', 'UPDATE'), "
        "has_table_privilege('etl_ada', 'seen', 'SELECT') FROM pg_class WHERE relname = 't'"
    )
    before = place.rows(facts)

    applied(place, Wish(table({"id": "integer", "v": "smallint"})))

    assert place.rows(facts) == before
    assert before[0][:2] == ("it's all", 'a "value"')
    place.do("INSERT INTO t (id) VALUES (2)")
    assert sorted(place.rows("SELECT v FROM seen")) == [(2,), (7,)]
    place.do("DROP TABLE t CASCADE", "DROP USER etl_ada")


def test_a_copy_has_the_keys_that_stay(place: Place) -> None:
    """Rows are spread and sorted as before, but for a column that goes."""
    if place.kind != "redshift":
        pytest.skip("only Redshift has them")
    place.do("CREATE TABLE t (id integer, day date) DISTKEY (id) SORTKEY (day, id)")
    layout = "SELECT column_name, distkey, sortkey FROM svv_redshift_columns WHERE table_name = 't'"
    applied(place, Wish(table({"id": "integer"}), ("day",)))
    assert place.rows(layout) == [("id", True, 1)]

    applied(place, Wish(table({"id": "integer"}, dist_style="all", sort_key=["id"])))
    assert place.rows(layout) == [("id", False, 1)]

    place.do("CREATE TABLE u (id bigint, day date) DISTKEY (id) SORTKEY (day)")
    applied(place, Wish(table({"id": "integer", "day": "date"}, "u", dist_style="all")))
    assert sorted(place.rows(layout.replace("'t'", "'u'"))) == [("day", False, 1), ("id", False, 0)]


def test_other_capitals_are_the_same_column(place: Place) -> None:
    place.do('CREATE TABLE t ("Big" bigint, "Code" varchar(9))', "INSERT INTO t VALUES (1, '2')")

    applied(place, Wish(table({"big": "integer", "code": "integer"})))

    assert types(place) == {"Big": "integer", "Code": "integer"}
    assert place.rows("SELECT * FROM t") == [(1, 2)]


def test_a_table_with_keys_is_not_copied(place: Place) -> None:
    if place.kind != "redshift":
        pytest.skip("only Redshift needs a copy")
    place.do("CREATE TABLE t (id bigint)", "ALTER TABLE t ADD PRIMARY KEY (id)")

    ((message, hint),) = refused(place, Wish(table({"id": "integer"})))

    assert "needs changes (id: bigint becomes integer)" in message
    assert "it has keys" in message and "copy it by hand" in hint


@pytest.fixture
def many(place: Place) -> tuple[Wish, ...]:
    """Two tables with changes of every kind."""
    place.do(
        "CREATE TABLE t (id bigint, note varchar(9), must integer NOT NULL, old bigint)",
        "INSERT INTO t VALUES (1, 'a', 2, 3)",
        "CREATE TABLE u (v varchar(9))",
        "INSERT INTO u VALUES ('12')",
    )
    new = table({"id": "integer", "fresh": "integer", "more": "date"}, was={"fresh": "old"})
    return Wish(new, ("note",)), Wish(table({"v": "integer"}, "u"))


class Broken:
    """Lets a warehouse fail at one of its statements, counted from BEGIN."""

    def __init__(self, warehouse: Warehouse, number: int) -> None:
        self._execute, self._number, self._count = warehouse.execute, number, 0

    def __call__(self, sql: str, values: Any = ()) -> int:
        self._count += bool(self._count or sql == "BEGIN")
        if self._count == self._number and sql != "ROLLBACK":
            raise StepError("it broke")
        return self._execute(sql, values)


def test_a_failure_in_the_middle_leaves_all_as_it_was(
    place: Place, many: tuple[Wish, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    before, number = everything(place), 0
    while not all_or_nothing(place, before):
        number += 1
        with place.open() as warehouse, suppress(StepError):
            monkeypatch.setattr(warehouse, "execute", Broken(warehouse, number))
            apply_to(warehouse, *many)

    assert number > 8
    assert types(place) == {"id": "integer", "must": "integer", "fresh": "integer", "more": "date"}


def all_or_nothing(place: Place, before: list[Any]) -> bool:
    """Whether all is changed; nothing is else."""
    now = everything(place)
    assert now == before or types(place)["id"] == types(place, "u")["v"] == "integer"
    return now != before


@pytest.fixture
def order(place: Place) -> Iterator[Order]:
    yield from ordering(place)


@pytest.mark.slow
def test_killed_at_each_statement(place: Place, many: tuple[Wish, ...], order: Order) -> None:
    work = partial(_apply, wishes=many)
    (place.folder / "orders.pickle").write_bytes(pickle.dumps((place, work)))
    before, number = everything(place), 1
    while order(f"before {number}") == "killed":
        if all_or_nothing(place, before):
            break
        number += amount(3, 1)

    assert number > 8
    applied(place, *(replace(wish, dropped=()) for wish in many))
    assert types(place, "u") == {"v": "integer"}


def _apply(warehouse: Warehouse, wishes: tuple[Wish, ...]) -> None:
    apply_to(warehouse, *wishes)


@pytest.fixture
def held(place: Place) -> Place:
    if place.kind == "duckdb":
        pytest.skip("DuckDB lets one process into a file")
    place.do("CREATE TABLE t (v varchar(9))", "INSERT INTO t VALUES ('1')")
    with place.open() as warehouse:
        warehouse.prepare(warehouse.lock_tables([Target(connection="w", table="t")]))
    return place


def test_it_waits_for_a_run_and_says_who_holds_the_table(held: Place) -> None:
    with closing(held.open()) as running, held.open() as waiting:
        running.execute("BEGIN")
        for sql in running.lock([lock_name("t")]):
            running.execute(sql)
        waiting.lock_seconds = 1
        with pytest.raises(RetryableError, match="holds 'etl_lock_t' since"):
            apply_to(waiting, Wish(table({"v": "integer"})))

    assert types(held) == {"v": "varchar(9)"}


@pytest.mark.parametrize("locks", [[lock_name("t")], []], ids=["a run", "somebody"])
def test_values_that_came_while_it_waited_count(held: Place, locks: list[str]) -> None:
    """Who writes to the table adds a value that does not fit, after it was looked at."""
    ended: list[Exception | None] = []
    with closing(held.open()) as running, held.open() as waiting:
        apply = Apply(waiting, [Wish(table({"v": "integer"}))])
        apply.refuse()
        told = apply.told()
        running.execute("BEGIN")
        for sql in running.lock(locks) if locks else ():
            running.execute(sql)
        running.execute("INSERT INTO t VALUES ('x')")

        thread = Thread(target=lambda: ended.append(caught(lambda: apply.run(told))), daemon=True)
        thread.start()
        running.execute("COMMIT")
        thread.join(60)

    assert isinstance(ended[0], StepError) and "1 row has a value" in str(ended[0])
    assert types(held) == {"v": "varchar(9)"}


def caught(work: Callable[[], None]) -> Exception | None:
    try:
        work()
    except StepError as error:
        return error
    return None


def test_changes_that_nobody_agreed_to_are_not_made(place: Place) -> None:
    place.do("CREATE TABLE t (v bigint, more integer)")
    wish = Wish(table({"v": "integer"}))
    with place.open() as warehouse:
        apply = Apply(warehouse, [wish])
        told = apply.told()
        warehouse.execute("ALTER TABLE t DROP COLUMN more")
        warehouse.execute("ALTER TABLE t ADD COLUMN must integer")
        warehouse.execute("ALTER TABLE t ALTER COLUMN must SET NOT NULL")
        with pytest.raises(StepError, match="have been changed meanwhile"):
            apply.run(told)

    assert types(place) == {"v": "bigint", "must": "integer"}
