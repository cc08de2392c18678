"""Values of persons are masked before they lie in staging, in the same way on all engines."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import pytest

from etl_framework.errors import ConfigError
from etl_framework.run.run import Run
from etl_framework.sql.masks import keyed
from tests.cli.conftest import Etl
from tests.conftest import Folder
from tests.personal.conftest import CUSTOMERS, SALT, SECRET, SHOP, everything

EXPECTED = [
    {
        "customer_id": keyed(SALT, text), "email": keyed(SALT, email), "full_name": name,
        "born": born, "phone": None, "seconds": seconds,
    }
    for text, email, name, born, seconds in [
        ("1", "ada@example.com", "A***", "1815-01-01", 42),
        ("7", "bob@example.com", "B***", "1788-01-01", 5),
    ]
]  # fmt: skip
DAY = ("--date", "2024-06-25")


def shown(folder: Folder) -> list[dict[str, Any]]:
    """The rows of the target."""
    out = folder.etl("show", "people", "--format", "json", "--limit", "0")
    assert out.returncode == 0, out.stderr
    rows = [{name: row[name] for name in EXPECTED[0]} for row in json.loads(out.stdout)]
    return sorted(rows, key=lambda row: row["seconds"], reverse=True)


def told(folder: Folder) -> list[tuple[str, str]]:
    """Every place that tells who somebody is."""
    return [(name, s) for name, text in everything(folder).items() for s in SECRET if s in text]


@pytest.mark.slow
def test_what_staging_and_targets_hold(anywhere: Folder) -> None:
    run = anywhere.etl("run", "shop", *DAY)

    assert run.returncode == 0, run.stderr
    assert "42" in str(shown(anywhere))
    assert shown(anywhere) == EXPECTED
    assert told(anywhere) == []
    assert [secret for secret in SECRET if secret in run.stderr] == []
    again = anywhere.etl("run", "shop", *DAY)
    assert "= extract.customers" in again.stderr


def test_the_cluster_hears_no_value_and_no_salt(shop: Folder, stack: object) -> None:
    from tests.conftest import in_the_cluster
    from tests.connections.test_label import heard
    from tests.personal.conftest import salted, to_s3

    in_the_cluster(shop)
    salted(shop)
    to_s3(shop)
    with heard(stack) as sent:  # type: ignore[arg-type]
        Run(shop.plan("shop")).all_steps(lambda result: None)

    assert any("COPY" in sql for sql in sent)
    assert [(secret, sql) for sql in sent for secret in SECRET if secret in sql] == []


def test_rejected_rows_are_told_by_what_may_be_seen(shop: Folder) -> None:
    shop.run("shop")

    out = shop.etl("quarantine", "show", "customers", "--reveal", "--format", "json")
    rows = json.loads(out.stdout)
    assert [(row["rule"], row["line"], row["name"]) for row in rows] == [
        ("accepted_values country", 4, "country"),
        ("parse", 5, "customer_id"),
    ]
    assert rows[1]["reason"] == '"***" is not a valid integer'
    assert json.loads(rows[1]["row"]) == {
        "customer_id": keyed(SALT, "four"), "email": keyed(SALT, "gus@example.com"),
        "full_name": "G***", "born": "1970-01-01", "phone": None, "country": "DE",
    }  # fmt: skip
    assert json.loads(rows[0]["row"])["full_name"] == "E***"
    assert [secret for secret in SECRET if secret in out.stdout] == []


def test_a_corrected_row_is_masked_as_all_others(shop: Folder, etl: Etl) -> None:
    """What is corrected is a column that is not masked; 007 there is 7 elsewhere."""
    rows = CUSTOMERS.replace("1788-01-22,0151-2,writes poems,AT", "1788-01-22,0151-2,poems,XX")
    shop.write("lake/customers/1.csv", rows)
    assert etl("run", "shop", *DAY).returncode == 0
    assert len(shown(shop)) == 1
    fix = corrections(etl, country="AT")

    fixed = etl(
        "quarantine", "replay", "customers", "--with", shop.write("fix.csv", fix).as_posix()
    )

    assert fixed.returncode == 0, fixed.stderr
    assert shown(shop) == EXPECTED
    assert told(shop) == []


def test_a_masked_value_cannot_be_corrected(shop: Folder, etl: Etl) -> None:
    shop.run("shop")
    fix = corrections(etl, customer_id="4")

    refused = etl("quarantine", "replay", "customers", "--with", str(shop.write("fix.csv", fix)))

    assert refused.returncode != 0
    assert "fix.csv:2:4: R100 values of 'customer_id' are masked" in refused.stderr
    assert "replay without --with" in refused.stderr


def corrections(etl: Etl, **change: str) -> str:
    """The file that corrects the first rejected row."""
    out = etl("quarantine", "show", "customers", "--values", "--reveal", "--format", "csv")
    first = next(csv.DictReader(io.StringIO(out.stdout)))
    if "country" in change:
        listed = list(csv.DictReader(io.StringIO(out.stdout)))
        first = next(row for row in listed if row["country"] == "XX")
    text = io.StringIO()
    writer = csv.DictWriter(text, list(first), lineterminator="\n")
    writer.writeheader()
    writer.writerow(first | change)
    return text.getvalue()


def test_another_salt_makes_all_anew(shop: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    shop.run("shop")
    monkeypatch.setenv("ETL_SALT", SALT[::-1])

    again = shop.run("shop")

    assert again["extract.customers"].state == "done"
    assert {row["email"] for row in shown(shop)} == {
        keyed(SALT[::-1], f"{name}@example.com") for name in ("ada", "bob")
    }


@pytest.mark.parametrize(
    ("salt", "message"),
    [(None, "cannot be looked up"), ("short", "fewer than 16 characters")],
    ids=["none is set", "a short one"],
)
def test_without_a_salt_nothing_is_read(
    shop: Folder, monkeypatch: pytest.MonkeyPatch, salt: str | None, message: str
) -> None:
    monkeypatch.delenv("ETL_SALT")
    if salt:
        monkeypatch.setenv("ETL_SALT", salt)

    with pytest.raises(ConfigError, match=message):
        shop.run("shop")
    assert told(shop) == []


def test_a_killed_run_leaves_no_value_that_a_next_one_keeps(
    shop: Folder, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    kept = shutil.rmtree
    monkeypatch.setattr("etl_framework.engines.masks.shutil.rmtree", lambda *a, **k: None)
    shop.run("shop")
    monkeypatch.setattr("etl_framework.engines.masks.shutil.rmtree", kept)

    shop.run("shop")

    assert told(shop) == []


@pytest.mark.parametrize(
    ("column", "message"),
    [
        ("{name: x, type: timestamp, mask: hash}", "only texts and whole numbers have a hash"),
        ("{name: x, type: integer, mask: partial}", "only texts and dates have a part"),
        ("{name: x, type: integer, primary_key: true, mask: null}", "tells rows apart only with"),
        ("{name: x, type: integer, required: true, mask: drop}", "'required' is not known of"),
        ("{name: x, type: date, format: DD.MM.YYYY, mask: partial}", "dates of the usual format"),
        ("{name: x, type: integer, mask: scramble}", "hash"),
    ],
)
def test_masks_that_mean_nothing(shop: Folder, column: str, message: str) -> None:
    old = "      - {name: customer_id, type: integer, sensitive: id, mask: hash}\n"
    shop.write("pipelines/shop.yml", SHOP.replace(old, f"{old}      - {column}\n"))

    out = shop.etl("lint")

    assert out.returncode == 1
    assert message in out.stdout
    assert "pipelines/shop.yml:25:" in out.stdout


def test_a_salt_in_the_file_is_refused(shop: Folder) -> None:
    file = shop.root / "environments.yml"
    file.write_text(file.read_text().replace('"{{ env.ETL_SALT }}"', SALT))

    out = shop.etl("lint")

    assert "a salt is a secret: name where it is" in out.stdout
    assert SALT not in out.stdout


def test_a_preview_reads_masked_rows_too(shop: Folder) -> None:
    shown_ = shop.etl("preview", "people", "--format", "csv")

    assert keyed(SALT, "1") in shown_.stdout, shown_.stderr
    assert told(shop) == []


def test_a_table_of_a_database(
    shop: Folder, postgres: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its rows are masked as those of files, also those that do not fit."""
    import psycopg2

    monkeypatch.setenv("TEST_RDS_URL", postgres)
    with psycopg2.connect(postgres) as ours, ours.cursor() as cursor:
        cursor.execute(
            "CREATE TABLE customers AS SELECT 1 AS customer_id, 'ada@example.com' AS email, "
            "'Ada Lovelace' AS full_name, date '1815-12-10' AS born, '0151-1' AS phone, "
            "'counts loudly' AS notes, 'DE' AS country UNION ALL "
            "SELECT 7, 'bob@example.com', 'Bob Byron', date '1788-01-22', '0151-2', 'poems', 'AT' "
            "UNION ALL SELECT 8, 'cy@example.com', 'Cy Grey', date 'infinity', '0151-3', '', 'AT'"
        )
    text = SHOP.replace("type: csv\n    connection: lake\n    path: customers/*.csv",
                        "type: postgres\n    connection: rds\n    table: customers")  # fmt: skip
    shop.write("pipelines/shop.yml", text)

    assert shop.etl("run", "shop", *DAY).returncode == 0
    assert shown(shop) == EXPECTED
    assert told(shop) == []
    out = shop.etl("quarantine", "show", "customers", "--reveal", "--format", "json")
    (row,) = json.loads(out.stdout)
    assert json.loads(row["row"])["email"] == keyed(SALT, "cy@example.com")
    assert row["key"] == {"customer_id": keyed(SALT, "8")}
