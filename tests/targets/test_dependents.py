"""What depends on a table is there as before when a column of the table gets a wider type."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest

from etl_framework.errors import StepError
from etl_framework.targets.columns import TargetColumn
from tests.targets.places import Place, day
from tests.targets.test_columns import WIDER

OF_V = "integer", "bigint"


def publish(place: Place, number: int, type_: str, **target: object) -> None:
    columns = {"id": "integer", "v": type_}
    value = WIDER.get(type_, (type_, 7))[1]
    load = place.load("t", "append", [(number, value)], columns, **target)
    place.publish(day(number), load)


@pytest.fixture
def users(place: Place) -> Iterator[Place]:
    """A server with two users, who are gone after the test."""
    if place.kind == "duckdb":
        pytest.skip("DuckDB has no users")
    place.do("CREATE USER etl_ada", "CREATE USER etl_grace")
    yield place
    place.do("DROP TABLE t CASCADE", "DROP USER etl_ada", "DROP USER etl_grace")


def granted(place: Place, relation: str) -> list[tuple[str, ...]]:
    sql = (
        "SELECT privilege_type, grantee::text, is_grantable::text "
        "FROM information_schema.role_table_grants "
        f"WHERE table_name = '{relation}' AND grantee LIKE 'etl_%' UNION ALL "
        "SELECT privilege_type, grantee::text, column_name::text "
        "FROM information_schema.column_privileges "
        f"WHERE table_name = '{relation}' AND grantee = 'etl_grace' ORDER BY 1, 2, 3"
    )
    return place.rows(sql)


@pytest.mark.parametrize("type_", WIDER)
def test_views(place: Place, type_: str) -> None:
    """One of the column, one of all columns in another schema, and one of both."""
    publish(place, 1, type_)
    place.do(
        "CREATE SCHEMA mart",
        'CREATE VIEW "mart"."Some v" AS SELECT v FROM t WHERE id > 0',
        "CREATE VIEW whole AS SELECT id, v FROM t",
        'CREATE VIEW both_of_them AS SELECT b.id FROM "mart"."Some v" AS a '
        "JOIN whole AS b ON a.v = b.v",
    )
    publish(place, 1, type_)

    wider, value = WIDER[type_]
    place.publish(day(2), place.load("t", "append", [(2, value)], {"id": "integer", "v": wider}))

    assert place.rows("SELECT id FROM both_of_them ORDER BY 1") == [(1,), (1,), (2,), (2,)]
    place.do("DROP VIEW both_of_them", "DROP SCHEMA mart CASCADE")


def test_rights_comments_and_owners(users: Place) -> None:
    publish(users, 1, "integer")
    users.do(
        "CREATE VIEW whole AS SELECT * FROM t",
        "COMMENT ON VIEW whole IS 'all''s here'",
        "GRANT SELECT ON t TO etl_ada WITH GRANT OPTION",
        "GRANT SELECT (v), INSERT ON t TO etl_grace",
        "GRANT SELECT ON whole TO etl_ada, PUBLIC",
        "GRANT SELECT (id) ON whole TO etl_grace",
        "GRANT CREATE ON SCHEMA public TO etl_ada",
        "ALTER TABLE whole OWNER TO etl_ada",
    )
    before = granted(users, "t"), granted(users, "whole")
    assert all(before)

    publish(users, 2, "bigint")

    assert (granted(users, "t"), granted(users, "whole")) == before
    assert users.rows(
        "SELECT obj_description(oid, 'pg_class'), pg_get_userbyid(relowner) FROM pg_class "
        "WHERE relname = 'whole'"
    ) == [("all's here", "etl_ada")]
    users.do("REVOKE CREATE ON SCHEMA public FROM etl_ada")


def test_not_null_and_defaults_stay(place: Place) -> None:
    """Also where a copy takes the place of the table."""
    place.do("CREATE TABLE t (id integer NOT NULL, v integer DEFAULT 7)")
    columns = {"id": "integer", "v": "bigint"}

    place.publish(day(1), place.load("t", "replace", [(1, 1 << 40)], columns))

    place.do("INSERT INTO t (id) VALUES (2)")
    assert sorted(place.rows("SELECT id, v FROM t")) == [(1, 1 << 40), (2, 7)]
    with place.open() as warehouse:
        assert warehouse.optional("t") == {"v"}


def test_a_table_that_a_copy_would_not_be(place: Place) -> None:
    """Redshift alone makes a copy; what that would lose is told, and nothing has changed."""
    place.do("CREATE TABLE t (id integer, v integer)", "ALTER TABLE t ADD UNIQUE (id)")
    load = place.load("t", "replace", [(1, 2)], {"id": "integer", "v": "bigint"})

    if place.kind != "redshift":
        place.publish(day(1), load)
        assert place.rows("SELECT id, v FROM t") == [(1, 2)]
        return
    with pytest.raises(StepError, match="it has keys, or a column that counts") as told:
        place.publish(day(1), load)
    assert "DROP" not in told.value.diagnostics[0].hint
    assert place.rows("SELECT COUNT(*) FROM t") == [(0,)]


def test_a_column_that_is_renamed_and_becomes_wider_under_a_view(place: Place) -> None:
    """Names keep their capitals; another column of somebody else does, too."""
    if place.kind == "duckdb":
        pytest.skip("a view of DuckDB names columns as texts, and is not renamed with them")
    columns = {"id": "integer", "Big": "integer"}
    place.publish(day(1), place.load("t", "append", [(1, 7)], columns))
    place.do(
        'ALTER TABLE t ADD COLUMN "Theirs" integer', 'CREATE VIEW seen AS SELECT id, "Big" FROM t'
    )
    load = place.load("t", "append", [(2, 1 << 40)], {"id": "integer", "Bigger": "bigint"})
    renamed = TargetColumn(name="Bigger", type=load.columns[1].type, was="Big")

    place.publish(day(2), replace(load, columns=(load.columns[0], renamed)))

    assert sorted(place.rows("SELECT * FROM seen")) == [(1, 7), (2, 1 << 40)]
    with place.open() as warehouse:
        assert {*warehouse.table_columns("t")} == {"id", "Bigger", "Theirs", "etl_interval_start"}
    place.do("DROP VIEW seen")


def test_other_keys_of_order_and_distribution(place: Place) -> None:
    """They are changed in place, and a copy has them, or those that were there."""
    if place.kind != "redshift":
        pytest.skip("only Redshift has them")
    layout = "SELECT column_name, distkey, sortkey FROM svv_redshift_columns WHERE table_name = 't'"
    publish(place, 1, "integer", dist_key="id", sort_key=["v"])
    publish(place, 2, "integer", dist_key="v", sort_key=["id", "v"])
    expected = [("etl_interval_start", False, 0), ("id", False, 1), ("v", True, 2)]
    assert sorted(place.rows(layout)) == expected
    publish(place, 3, "bigint")
    assert sorted(place.rows(layout)) == expected
    publish(place, 4, "bigint", dist_style="all")

    assert not any(is_key for _, is_key, _ in place.rows(layout))
    with place.open() as warehouse:
        load = place.load("t", "append", [], {"id": "integer", "v": "bigint"}, dist_style="all")
        assert warehouse.changes(load.wanted) == ([], None)
        load = place.load("t", "append", [], {"id": "integer", "v": "bigint"}, sort_key=["v"])
        assert warehouse.changes(load.wanted)[0] == [('ALTER TABLE "t" ALTER SORTKEY ("v")',)]
