"""A person is removed from what runs have kept, and no later run brings the rows back."""

from __future__ import annotations

import json
import re

import pytest

from etl_framework.sql.masks import keyed
from tests.cli.conftest import Etl
from tests.conftest import Folder
from tests.personal.conftest import SALT, SHOP, bytes_below, everything, to_s3

DAY = ("--date", "2024-06-25")
BOB = ("--where", "email=bob@example.com")
# Bob thrice: a good row, one that breaks a check, one that does not parse.
MORE = """
customer_id,email,full_name,born,phone,notes,country
8,bob@example.com,Bob Byron,1788-01-22,0151-2,again,FR
nine,bob@example.com,Bob Byron,1788-01-22,0151-2,once more,AT
"""
PLAIN = (
    re.sub(r", mask: \w+", "", SHOP)
    .replace("customer_id, type: varchar(32)", "customer_id, type: integer")
    .replace("email, type: varchar(32)", "email, type: varchar(60)")
)
PERSON = ("bob@", "Byron", "0151-2", "1788")


def in_staging(folder: Folder, *texts: str) -> list[tuple[str, str]]:
    """The files of staging, on this machine and in S3, that have one of the texts."""
    found = everything(folder).items()
    return [(n, s) for n, text in found for s in texts if s in text and "warehouse" not in n]


def people(folder: Folder) -> list[str]:
    out = folder.etl("show", "people", "--format", "json", "--limit", "0")
    return sorted(str(row["email"]) for row in json.loads(out.stdout))


@pytest.fixture(params=["plain", "masked"])
def ran(request: pytest.FixtureRequest, anywhere: Folder) -> Folder:
    """The project after a run, with and without masks."""
    anywhere.write("lake/customers/2.csv", MORE)
    if "s3://" in (anywhere.root / "environments.yml").read_text():
        to_s3(anywhere)
    if request.param == "plain":
        anywhere.write("pipelines/shop.yml", PLAIN)
    run = anywhere.etl("run", "shop", *DAY)
    assert run.returncode == 0, run.stderr
    return anywhere


@pytest.mark.slow
def test_a_person_is_forgotten_everywhere(ran: Folder) -> None:
    masked = "mask:" in (ran.root / "pipelines/shop.yml").read_text()
    bob = keyed(SALT, "bob@example.com") if masked else "bob@example.com"
    ada = keyed(SALT, "ada@example.com") if masked else "ada@example.com"
    assert people(ran) == sorted([ada, bob])

    dry = ran.etl("forget", "customers", *BOB, "--dry-run")
    assert dry.returncode == 0, dry.stderr
    assert "would remove" in dry.stderr
    assert "target warehouse.people holds 1 row" in dry.stderr
    assert "not reached: the source itself" in dry.stderr
    assert in_staging(ran, bob)

    done = ran.etl("forget", "customers", *BOB, "--yes", "--format", "json")
    assert done.returncode == 0, done.stderr
    facts = json.loads(done.stdout)["forgotten"]
    rejected = sum(n for what, n in facts["rows"].items() if "rejected" in what)
    assert rejected == 2, facts
    assert [(t["table"], t["rows"]) for t in facts["targets"]] == [("people", 1)]
    assert in_staging(ran, bob, *PERSON) == []
    assert in_staging(ran, "eve@example.com" if not masked else "E***")

    again = ran.etl("run", "shop", *DAY)
    assert again.returncode == 0, again.stderr
    assert people(ran) == [ada]
    assert in_staging(ran, bob, *PERSON) == []
    nothing = ran.etl("forget", "customers", *BOB, "--yes")
    assert "target warehouse.people holds 0 rows" in nothing.stderr
    assert "removed 0 copies of rows" in nothing.stderr


@pytest.mark.slow
def test_the_targets_too(ran: Folder) -> None:
    done = ran.etl("forget", "customers", *BOB, "--yes", "--targets")

    assert done.returncode == 0, done.stderr
    assert "removed 1 from targets" in done.stderr
    assert len(people(ran)) == 1


@pytest.fixture
def plain(shop: Folder) -> Folder:
    shop.write("lake/customers/2.csv", MORE)
    shop.write("pipelines/shop.yml", PLAIN)
    return shop


def test_a_value_is_found_however_it_was_written(plain: Folder) -> None:
    """007 is the integer 7, also in a row that was rejected for something else, and later again."""
    row = "007,bo@example.com,Bo Brown,no date,0151-9,never read,AT"
    plain.write("lake/customers/2.csv", f"{MORE.splitlines()[1]}\n{row}\n")
    plain.run("shop")
    assert in_staging(plain, "Bo Brown")

    done = plain.etl("forget", "customers", "--where", "customer_id=7", "--yes")
    assert "removed 1 from extract.customers rejected rows" in done.stderr
    assert in_staging(plain, "Bo Brown", "bob@") == []
    plain.run("shop")
    plain.write("lake/customers/3.csv", f"{MORE.splitlines()[1]}\n{row.replace('0151', '0152')}\n")
    plain.run("shop")
    assert in_staging(plain, "Bo Brown", "bob@") == []


def test_a_target_in_which_a_value_is_written_otherwise(plain: Folder) -> None:
    """An integer 7 in a decimal(18,2) is 7.00: it must not be told that there is no row."""
    pipeline = PLAIN.replace(
        "{name: customer_id, type: integer, primary_key: true}",
        '{name: customer_id, type: "decimal(18,2)", primary_key: true}',
    )
    assert pipeline != PLAIN
    plain.write("pipelines/shop.yml", pipeline)
    plain.run("shop")

    done = plain.etl("forget", "customers", "--where", "customer_id=7", "--dry-run")
    assert "target warehouse.people holds the values in another form" in done.stderr


def test_a_dry_run_changes_nothing(plain: Folder) -> None:
    plain.run("shop")
    before = bytes_below(plain.root / ".etl")

    assert plain.etl("forget", "customers", *BOB, "--dry-run").returncode == 0

    assert bytes_below(plain.root / ".etl") == before


def test_it_asks_before(plain: Folder) -> None:
    plain.run("shop")

    out = plain.etl("forget", "customers", *BOB)

    assert out.returncode == 2
    assert "give --yes to remove this, or --dry-run" in out.stderr
    assert in_staging(plain, "bob@")


def test_corrections_are_forgotten_with_the_row(plain: Folder, etl: Etl) -> None:
    """Also those of a row that became the person's by its correction."""
    import csv
    import io

    assert etl("run", "shop", *DAY).returncode == 0
    out = etl("quarantine", "show", "customers", "--values", "--reveal", "--format", "csv")
    rows = [
        row for row in csv.DictReader(io.StringIO(out.stdout)) if row["email"] != "bob@example.com"
    ]
    text = io.StringIO()
    writer = csv.DictWriter(text, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    for number, row in enumerate(rows):
        writer.writerow(
            row | {"email": "bob@example.com", "customer_id": f"{20 + number}", "country": "DE"}
        )
    fix = plain.write("fix.csv", text.getvalue())
    assert etl("quarantine", "replay", "customers", "--with", str(fix)).returncode == 0
    assert in_staging(plain, "bob@example.com")
    fix.unlink()

    done = etl("forget", "customers", *BOB, "--yes")

    assert "removed 2 from decisions customers" in done.stderr, done.stderr
    assert in_staging(plain, "bob@", "Gus Grey") == []
    assert etl("run", "shop", *DAY).returncode == 0
    assert in_staging(plain, "bob@", "Gus Grey") == []


def test_the_numbers_of_a_run_add_up(plain: Folder) -> None:
    plain.run("shop")
    assert plain.etl("forget", "customers", *BOB, "--yes").returncode == 0

    again = plain.run("shop")

    counts = again["extract.customers"].counts
    assert counts == {"read": 3, "kept": 2, "rejected": 1, "forgotten": 3}
    shown = plain.etl("quarantine", "show", "customers", "--format", "json").stdout
    assert {row["state"] for row in json.loads(shown)} == {"open"}
    assert len(json.loads(shown)) == 2


def test_history_loses_the_value(plain: Folder) -> None:
    text = PLAIN.replace("sources:", "params: {whom: nobody}\nsources:")
    plain.write("pipelines/shop.yml", text)
    file = plain.root / "environments.yml"
    file.write_text(file.read_text().replace("history_tables: false", "history_tables: true"))
    how = plain.etl("run", "shop", *DAY, "--var", "whom=bob@example.com")
    assert how.returncode == 0, how.stderr
    assert [n for n, _ in in_staging(plain, "bob@") if "history" in n]

    plain.change("UPDATE etl_runs SET error = 'R300 duplicate key (bob@example.com)'")
    done = plain.etl("forget", "customers", *BOB, "--yes")

    assert "masked the value in 1 records of runs" in done.stderr
    assert in_staging(plain, "bob@") == []
    assert plain.query("SELECT error FROM etl_runs") == [("R300 duplicate key (***)",)]
    assert plain.etl("show", "runs").stdout.count("shop") == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("customers", "--where", "mail=x"), "the source has no column 'mail'"),
        (
            ("customers", "--where", "customer_id=bob"),
            "given for 'customer_id' is no integer",
        ),
        (("customers", "--where", "since=2024-06-25"), "'since' is timestamptz, and a value of it"),
        (("customers", "--where", "phone=0151-1"), "'phone' is masked (null), and tells no rows"),
        (("people", "--where", "email=x"), "'people' is no source"),
        (("customers", "--where", "email"), "--where takes COLUMN=VALUE"),
    ],
)
def test_conditions_that_mean_nothing(
    shop: Folder, arguments: tuple[str, ...], message: str
) -> None:
    since = "      - {name: since, type: timestamptz}\n    checks:"
    shop.write("pipelines/shop.yml", SHOP.replace("    checks:", since, 1))
    out = shop.etl("forget", *arguments, "--yes")

    assert out.returncode == 2 if "takes" in message else out.returncode
    assert message in out.stderr


def test_without_a_salt_nobody_is_forgotten(plain: Folder) -> None:
    plain.run("shop")
    file = plain.root / "environments.yml"
    file.write_text(file.read_text().replace('    salt: "{{ env.ETL_SALT }}"\n', ""))

    out = plain.etl("forget", "customers", *BOB, "--yes")

    assert out.returncode != 0
    assert "the environment has no `salt` to hash values with" in out.stderr


def test_one_that_was_stopped_goes_on(plain: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    from etl_framework.project.project import load_project
    from etl_framework.run.forget import Forget
    from etl_framework.storage.step_folder import StepFolder

    plain.run("shop")
    forget = Forget(load_project(plain.root), None, "customers", {"email": "bob@example.com"})
    with monkeypatch.context() as patch:
        patch.setattr(StepFolder, "finish", lambda *a: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            forget.run(dry_run=False)

    plain.run("shop")  # in between: nothing comes back

    assert in_staging(plain, "bob@") == []
    forget.run(dry_run=False)
    assert in_staging(plain, "bob@") == []
