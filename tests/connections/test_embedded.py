"""The embedded PostgreSQL: its seed is loaded once, and again when it changes."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.connections.postgres import Postgres
from etl_framework.errors import ConfigError

SCHEMA = "DROP TABLE IF EXISTS users; CREATE TABLE users (id integer, name text);\n"


def seed(root: Path, schema: str, rows: str) -> None:
    folder = root / "seed"
    folder.mkdir(exist_ok=True)
    (folder / "schema.sql").write_text(schema)
    (folder / "users.csv").write_text("name,id\n" + rows)


def users(root: Path, change: str = "") -> list[tuple[int, str]]:
    """The rows of a new connection; `change` is SQL to run after."""
    connection = Postgres(type="postgres", embedded="pg", seed="seed").connect(root)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute("SELECT id, name FROM users ORDER BY id")
            found = cursor.fetchall()
            if change:
                cursor.execute(change)
            return found
    finally:
        connection.close()


@pytest.mark.slow
def test_a_seed_is_loaded_once_and_again_when_it_changes(tmp_path: Path) -> None:
    (tmp_path / "seed").mkdir()
    (tmp_path / "seed/users.csv").write_text("name,id\n")
    with pytest.raises(ConfigError, match=r"has no schema\.sql"):
        users(tmp_path)
    seed(tmp_path, SCHEMA, 'ada,1\n"a ""b""\nc",2\n')
    loaded = [(1, "ada"), (2, 'a "b"\nc')]

    assert users(tmp_path, "INSERT INTO users VALUES (3, 'eve')") == loaded
    assert users(tmp_path) == [*loaded, (3, "eve")], "an unchanged seed was loaded again"

    seed(tmp_path, SCHEMA, "zoe,9\n")
    assert users(tmp_path) == [(9, "zoe")]

    seed(tmp_path, SCHEMA, "zoe,nine\n")
    with pytest.raises(ConfigError, match=r"seed .* does not load"):
        users(tmp_path)
    seed(tmp_path, SCHEMA, "zoe,9\n")
    assert users(tmp_path) == [(9, "zoe")], "a seed that failed left something behind"


def test_a_seed_is_refused_for_a_server_elsewhere() -> None:
    with pytest.raises(ValueError, match="'seed' is for an embedded server"):
        Postgres(type="postgres", url="postgresql://h/d", seed="seed")


@pytest.mark.parametrize("given", [{}, {"url": "postgresql://h/d", "embedded": "pg"}])
def test_one_place_is_given(given: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="give one of 'url', 'conn_id' and 'embedded'"):
        Postgres(type="postgres", **given)
