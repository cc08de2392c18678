import pytest

from etl_framework.sql.lineage import column_inputs

SCHEMA = {
    "plays": {"track_id": "BIGINT", "seconds": "INTEGER"},
    "tracks": {"track_id": "BIGINT", "genre": "VARCHAR"},
}


@pytest.mark.parametrize(
    ("sql", "made_of"),
    [
        ("SELECT genre AS x FROM tracks", {"tracks.genre"}),
        ("SELECT 1 AS x FROM tracks", set()),
        ("SELECT COUNT(*) AS x FROM plays JOIN tracks USING (track_id)", {"plays.*"}),
        ("SELECT COUNT(genre) AS x FROM tracks", {"tracks.genre"}),
        (
            "SELECT SUM(seconds) / COUNT(*) AS x FROM plays JOIN tracks USING (track_id)",
            {"plays.seconds", "plays.*"},
        ),
        (
            "WITH a AS (SELECT track_id, seconds AS s FROM plays) SELECT MAX(s) AS x FROM a",
            {"plays.seconds"},
        ),
        ("WITH a AS (SELECT 1 FROM plays) SELECT COUNT(*) AS x FROM a", {"plays.*", "tracks.*"}),
        (
            "SELECT track_id AS x FROM plays UNION ALL SELECT track_id FROM tracks",
            {"plays.track_id", "tracks.track_id"},
        ),
        (
            "SELECT (SELECT MAX(genre) FROM tracks) AS x FROM plays",
            {"tracks.genre"},
        ),
        (
            "SELECT ROW_NUMBER() OVER (PARTITION BY track_id ORDER BY seconds) AS x FROM plays",
            {"plays.seconds", "plays.track_id"},
        ),
        ("SELECT p.genre AS x FROM (SELECT * FROM tracks) AS p", {"tracks.genre"}),
    ],
)
@pytest.mark.parametrize("dialect", ["duckdb", "redshift"])
def test_what_a_column_is_made_of(sql: str, made_of: set[str], dialect: str) -> None:
    found = column_inputs(sql, SCHEMA, dialect)  # type: ignore[arg-type]

    assert {".".join(field) for field in found["x"]} == made_of
