"""`etl ddl` and `etl plan --live`: the tables as they should be, and as they are."""

from __future__ import annotations

import json
import re

import pytest

from tests.cli.conftest import Etl
from tests.conftest import ORDERS, REPOSITORY, Folder

# As DESIGN.md, section 6, has them.
WANTED = {
    "users": "user_id integer, username varchar(255), created_at timestamp",
    "tracks": "track_id integer, title varchar(255), genre varchar(100), "
    "duration double precision, artist varchar(255)",
    "kpis_genre": "track_genre varchar(100), listen_count integer, "
    "average_track_duration decimal(10,2), popularity_index decimal(10,2), track_id varchar(50)",
    "kpis_hourly": "hour integer, unique_listeners integer, top_artist_per_hour varchar(255), "
    "track_diversity_index decimal(10,6)",
}


def tables(text: str) -> dict[str, str]:
    """Columns by table, of CREATE TABLE statements."""
    found = re.findall(r'CREATE TABLE (?:IF NOT EXISTS )?"(\w+)" \(\n(.*?)\n\)', text, re.DOTALL)
    return {
        table: ", ".join(
            line.strip().rstrip(",").replace('"', "")
            for line in lines.split("\n")
            if "PRIMARY KEY" not in line
        )
        for table, lines in found
    }


def test_the_tables_of_music_streaming_are_those_of_the_design(etl: Etl) -> None:
    shown = etl("ddl", "music_streaming", "--env", "aws_local", "--project", str(REPOSITORY))

    assert shown.returncode == 0, shown.stderr
    found = tables(shown.stdout)
    assert found.pop("etl_ledger").startswith("pipeline varchar(63), ")
    locks = [name for name in found if name.startswith("etl_lock_")]
    assert [found.pop(name) for name in locks] == ["nothing boolean"] * 3
    for table in ("etl_runs", "etl_checks"):
        assert found.pop(table).startswith("record varchar(256), run_id varchar(512), pipeline ")
    assert found == WANTED
    assert 'PRIMARY KEY ("track_id")' in shown.stdout
    assert """COMMENT ON COLUMN "kpis_hourly"."hour" IS 'Hour of day, 0 to 23.';""" in shown.stdout


def test_keys_of_redshift(orders: Folder, etl: Etl) -> None:
    keys = "table: mart.totals, dist_key: customer, sort_key: [orders]"
    text = ORDERS.replace("table: totals", keys)
    orders.write("pipelines/orders.yml", text)
    environments = (orders.root / "environments.yml").read_text(encoding="utf-8")
    orders.write("environments.yml", environments.replace(
        "warehouse: {type: duckdb, path: .etl/warehouse.duckdb}",
        "warehouse: {type: redshift, host: h, database: d, user: u, password: '{{ env.P }}'}",
    ).replace("staging: .etl/staging", "staging: s3://bucket/staging"))  # fmt: skip

    shown = etl("ddl", "orders").stdout

    assert 'CREATE SCHEMA IF NOT EXISTS "mart"' in shown
    assert ') DISTKEY ("customer") SORTKEY ("orders");' in shown


def test_live_tells_what_would_be_made_and_makes_nothing(orders: Folder, etl: Etl) -> None:
    shown = etl("plan", "orders", "--live")

    assert shown.returncode == 0
    made = "totals: would change\n  totals is made (at once)\n    CREATE TABLE IF NOT EXISTS"
    assert made in shown.stdout
    assert not (orders.root / ".etl/warehouse.duckdb").exists()


@pytest.mark.slow
def test_live_compares_with_what_is_there(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    assert (
        "totals: as it should be\netl_ledger: as it should be"
        in etl("plan", "orders", "--live").stdout
    )

    more = ORDERS.replace("{name: orders, type: integer}", "{name: orders, type: bigint}")
    orders.write("pipelines/orders.yml", more)
    assert (
        "totals: would change, 2 rows\n"
        "  orders: integer becomes bigint (rewrites the rows)\n"
        '    ALTER TABLE "totals" ALTER COLUMN "orders" TYPE BIGINT;\n'
    ) in etl("plan", "orders", "--live").stdout

    other = ORDERS.replace("{name: orders, type: integer}", "{name: orders, type: smallint}")
    orders.write("pipelines/orders.yml", other)
    refused = etl("plan", "orders", "--live")
    assert refused.returncode == 1
    assert (
        "totals: refused, 2 rows\n"
        "  orders: integer becomes smallint (rewrites the rows; waits for `etl apply`)\n"
        '    ALTER TABLE "totals" ALTER COLUMN "orders" TYPE SMALLINT USING CAST("orders" AS '
        "SMALLINT);\n  the table totals has other columns"
    ) in refused.stdout
    assert "hint: `etl apply orders --env local` converts" in refused.stdout
    (totals, *_) = json.loads(etl("plan", "orders", "--live", "--format", "json").stdout)
    assert (totals["table"], totals["rows"], len(totals["refused"])) == ("totals", 2, 1)
    (alteration,) = totals["alterations"]
    assert alteration["what"] == "orders: integer becomes smallint"
    assert (alteration["cost"], alteration["waits"]) == ("rewrites the rows", True)
    assert alteration["statements"][0].startswith("ALTER TABLE")


@pytest.mark.slow
def test_live_tells_of_columns_that_stay(orders: Folder, etl: Etl) -> None:
    orders.run("orders")
    orders.change("ALTER TABLE totals ADD COLUMN remark VARCHAR")

    shown = etl("plan", "orders", "--live")

    assert shown.returncode == 0
    assert "totals: as it should be\n  remark is not of the KPI, and stays\n" in shown.stdout
