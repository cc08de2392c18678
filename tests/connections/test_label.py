"""What a run sends says whose it is, over each driver, and no name can break out of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from etl_framework.connections.label import Label, label, labelled
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.devstack.stack import Stack
from etl_framework.errors import StepError
from tests.connections.redshift.test_connection import WAYS
from tests.connections.test_libpq import run

SHOP = Label("shop", "kpi.totals", "20261130T084241-8c1a823f", "48916d3+", "production")
COMMENT = (
    "\n/* etl pipeline=shop step=kpi.totals run=20261130T084241-8c1a823f commit=48916d3+"
    " env=production */"
)
HOSTILE = "x*/ ; DROP TABLE t; -- ' \" \\ % ? :a \0 \n /* é"


def test_comment_and_names() -> None:
    assert SHOP.comment() == COMMENT
    assert SHOP.group == SHOP.application == "etl:shop:kpi.totals"
    assert Label("shop", "history").comment() == "\n/* etl pipeline=shop step=history */"


def test_hostile_names_stay_inside() -> None:
    hostile = Label(*[HOSTILE] * 5)
    inside = hostile.comment().removeprefix("\n/* ").removesuffix(" */")

    assert "*/" not in inside
    assert set("'\"\\%?:;/*\n\0é").isdisjoint(inside + hostile.group.replace("etl:", "", 1)[:40])
    assert len(Label("p" * 500, "s" * 500).group) == 205
    assert len(Label("p" * 500, "s" * 500).application) == 63


def test_a_label_holds_for_a_while() -> None:
    with labelled(SHOP):
        with labelled(Label("other", "step")):
            assert label() == Label("other", "step")
        assert label() == SHOP
    assert label() is None


NOW = (
    "SELECT query, application_name FROM pg_stat_activity WHERE pid = pg_backend_pid() "
    "-- the last line may be a comment"
)


def test_postgresql_sees_it(postgres: str, tmp_path: Path) -> None:
    with labelled(SHOP):
        connection = Postgres(type="postgres", url=postgres).connect(tmp_path)
    with closing(connection):
        assert run(connection, NOW) == [(NOW + COMMENT, "etl:shop:kpi.totals")]
    with closing(Postgres(type="postgres", url=postgres).connect(tmp_path)) as connection:
        assert run(connection, NOW) == [(NOW, "")]


def test_a_name_that_the_connection_has_stays(postgres: str, tmp_path: Path) -> None:
    named = Postgres(type="postgres", url=f"{postgres}&application_name=nightly")
    with labelled(SHOP), closing(named.connect(tmp_path)) as connection:
        assert run(connection, NOW)[0][1] == "nightly"


def test_places_of_errors_stay(postgres: str, tmp_path: Path) -> None:
    with labelled(SHOP), closing(Postgres(type="postgres", url=postgres).connect(tmp_path)) as pg:
        with pytest.raises(StepError) as refused:
            run(pg, "SELECT 1,\n  missing FROM pg_class")
        assert "LINE 2:   missing FROM pg_class\n          ^" in str(refused.value.__cause__)


@contextmanager
def heard(stack: Stack) -> Iterator[list[str]]:
    """The statements that the stand-in of Redshift receives meanwhile."""
    statements: list[str] = []
    stack.cluster.fault = lambda sql: bool(statements.append(sql))
    try:
        yield statements
    finally:
        stack.cluster.fault = lambda sql: False


GROUP = "SELECT current_setting('redshift.query_group')"


@pytest.mark.slow
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("who", [SHOP, Label(*[HOSTILE] * 5)], ids=["a pipeline", "hostile names"])
def test_redshift_hears_it(stack: Stack, tmp_path: Path, way: str, who: Label) -> None:
    with heard(stack) as statements:
        with labelled(who):
            session = Redshift(**WAYS[way]).open_session(tmp_path)
        with closing(session):
            assert session.run(GROUP).rows == [(who.group,)]
            assert session.run("SELECT ? AS v", ("it's 5 % ?",)).rows == [("it's 5 % ?",)]
            session.run("CREATE TABLE t AS SELECT 1 AS a -- one row")
            assert session.run("DELETE FROM t").changed == 1
            if not session.interactive:
                assert session.batch([("INSERT INTO t VALUES (?)", (7,)), ("DELETE FROM t", ())])

    unsigned = [sql for sql in statements if who.comment() not in sql]
    assert unsigned in ([], ["BEGIN", "COMMIT"])  # the Data API's own around a batch
    assert len([sql for sql in statements if sql.startswith("SET query_group")]) == 1
    assert 5 < len(statements) <= 10  # with the limit of the session, or the batch and the last


@pytest.mark.slow
def test_a_statement_as_long_as_the_data_api_takes_goes_without(
    stack: Stack, tmp_path: Path
) -> None:
    longest = "SELECT '" + "x" * 99_991 + "'"
    with labelled(SHOP):
        session = Redshift(**WAYS["the Data API"]).open_session(tmp_path)
    with closing(session):
        assert session.run(longest).rows == [("x" * 99_991,)]
        assert session.run(GROUP).rows == [("etl:shop:kpi.totals",)]
