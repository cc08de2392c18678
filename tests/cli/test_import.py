"""`etl import`: what it prints reads the table or the files, every value of them."""

from __future__ import annotations

import gzip

import psycopg2
import pytest
import yaml

from tests.cli.conftest import Etl
from tests.conftest import Folder

PIPELINE = 'name: p\nschedule: "@daily"\n'
KPI = """
kpis:
  k:
    sql: p/k.sql
    target: {connection: warehouse, table: k}
    columns: [{name: n, type: bigint}]
"""
# PostgreSQL's type, ours, a value.
TYPES = [
    ("smallint", "smallint", "32767"),
    ("integer", "integer", "2147483647"),
    ("bigint", "bigint", "9223372036854775807"),
    ("numeric(10,2)", "decimal(10,2)", "12345678.90"),
    ("numeric(5)", "decimal(5,0)", "12345"),
    ("numeric(3,5)", "decimal(5,5)", "0.00123"),
    ("numeric(3,-2)", "decimal(5,0)", "12300"),
    ("numeric(50,3)", "decimal(38,3)", "1.5"),
    ("numeric", "decimal(38,9)", "1.000000001"),
    ("real", "real", "0.1"),
    ("double precision", "double precision", "0.1"),
    ("boolean", "boolean", "true"),
    ("date", "date", "2024-06-25"),
    ("timestamp", "timestamp", "2024-06-25 08:00:00.123456"),
    ("timestamp(3)", "timestamp", "2024-06-25 08:00:00.123"),
    ("timestamptz", "timestamptz", "2024-06-25 08:00:00+02"),
    ("timestamptz(0)", "timestamptz", "2024-06-25 08:00:00+02"),
    ("text", "varchar", "any text"),
    ("varchar(20)", "varchar(80)", "twenty"),
    ("varchar(5)", "varchar(20)", "日本語日本"),
    ("varchar(30000)", "varchar(65535)", "long"),
    ("varchar", "varchar", "any"),
    ("char(3)", "char(12)", "€uß"),
    ("char(2000)", "varchar(8000)", "EUR"),
    ("bpchar", "varchar", "EUR"),
    ('"char"', "varchar", "c"),
    ("name", "varchar", "a_name"),
    ("uuid", "varchar(36)", "123e4567-e89b-12d3-a456-426614174000"),
    ("json", "varchar", '{"a": 1}'),
    ("jsonb", "varchar", '{"a": 1}'),
    ("inet", "varchar", "192.168.0.1"),
    ("macaddr", "varchar", "08:00:2b:01:02:03"),
    ("interval", "varchar", "1 day 02:00"),
    ("time", "varchar", "08:00"),
    ("timetz", "varchar", "08:00+02"),
    ("money", "varchar", "1.00"),
    ("oid", "varchar", "7"),
    ("tsvector", "varchar", "a b"),
    ("mood", "varchar", "fine"),
    ("cents", "decimal(12,2)", "1.25"),
    ("short", "varchar(28)", "short"),
    ("money_of_cents", "decimal(12,2)", "1.25"),
    ("third", "decimal(12,2)", "1.25"),
    ("shorts", "varchar(28)", "größe"),
    ("bytea", None, "\\x00"),
    ("integer[]", None, "{1,2}"),
    ("int4range", None, "[1,2)"),
    ("bit(3)", None, "101"),
    ("point", None, "(1,2)"),
    ("pair", None, "(1,2)"),
]


def sql(url: str, *statements: str) -> None:
    connection = psycopg2.connect(url)
    connection.autocommit = True
    with connection.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)
    connection.close()


@pytest.fixture
def rds(postgres: str, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("TEST_RDS_URL", postgres)
    return postgres


def imported(etl: Etl, *arguments: str) -> dict[str, object]:
    done = etl("import", *arguments)
    assert done.returncode == 0, done.stderr
    (source,) = yaml.safe_load(done.stdout)["sources"].values()
    return source


def read(folder: Folder, text: str) -> dict[str, int]:
    """What a run makes of the source as it was printed."""
    name = next(iter(yaml.safe_load(text)["sources"]))
    folder.write("pipelines/p.yml", PIPELINE + text + KPI)
    folder.write("sql_templates/p/k.sql", f"SELECT COUNT(*) AS n FROM {name}")
    return folder.run("p")[f"extract.{name}"].counts


def test_every_type_of_postgresql(folder: Folder, etl: Etl, rds: str) -> None:
    columns = ", ".join(f"c{i} {was}" for i, (was, _, _) in enumerate(TYPES))
    values = ", ".join(f"'{value}'" for _, _, value in TYPES)
    sql(
        rds,
        "CREATE TYPE mood AS ENUM ('fine')", "CREATE DOMAIN cents AS numeric(12,2)",
        "CREATE DOMAIN money_of_cents AS cents", "CREATE DOMAIN third AS money_of_cents",
        "CREATE DOMAIN short AS varchar(7)", "CREATE DOMAIN shorts AS short",
        "CREATE TYPE pair AS (a int, b int)",
        f"CREATE TABLE things (id serial PRIMARY KEY, must text NOT NULL, {columns})",
        f"INSERT INTO things VALUES (1, 'x', {values})",
    )  # fmt: skip

    text = etl("import", "rds", "things").stdout
    source = yaml.safe_load(text)["sources"]["things"]
    found = {column["name"]: column for column in source["columns"]}

    assert found.pop("id") == {"name": "id", "type": "integer", "primary_key": True}
    assert found.pop("must") == {"name": "must", "type": "varchar", "required": True}
    assert {name: column["type"] for name, column in found.items()} == {
        f"c{i}": ours for i, (_, ours, _) in enumerate(TYPES) if ours
    }
    assert "no type here holds integer[]" in text
    assert read(folder, text) == {"read": 1, "kept": 1, "rejected": 0}


def test_names_that_no_column_can_have(folder: Folder, etl: Etl, rds: str) -> None:
    odd = ["user id", 'quo"te', "a\nb", "größe", "1st", "a: b #c"]
    named = ", ".join('"' + name.replace('"', '""') + '" text' for name in odd)
    sql(rds, f'CREATE TABLE odd ("Id" int, "select" int, "on" int, {named})')

    done = etl("import", "rds", "odd")

    columns = yaml.safe_load(done.stdout)["sources"]["odd"]["columns"]
    assert [column["name"] for column in columns] == [
        "Id", "select", "on", "user_id", "quo_te", "a_b", "grosse", "c_1st", "a_b_c",
    ]  # fmt: skip
    assert [column["from"] for column in columns[3:]] == odd
    assert (
        read(folder, done.stdout.replace("odd:\n", "odd:\n    may_be_empty: true\n"))["read"] == 0
    )


def test_schemas_views_and_partitions(folder: Folder, etl: Etl, rds: str) -> None:
    sql(
        rds,
        "CREATE SCHEMA shop", "CREATE TABLE shop.orders (a int PRIMARY KEY)",
        "INSERT INTO shop.orders VALUES (1), (2)",
        "CREATE VIEW recent AS SELECT a, a * 1.5 AS more FROM shop.orders",
        "CREATE TABLE parted (a int) PARTITION BY RANGE (a)", "CREATE SEQUENCE counter",
    )  # fmt: skip

    text = etl("import", "rds", "shop.orders").stdout
    view = imported(etl, "rds", "recent")

    assert text.startswith("sources:\n  orders:\n    type: postgres\n    connection: rds\n")
    assert "table: shop.orders" in text
    assert read(folder, text)["kept"] == 2
    assert view["columns"] == [
        {"name": "a", "type": "integer"}, {"name": "more", "type": "decimal(38,9)"},
    ]  # fmt: skip
    assert imported(etl, "rds", "parted")["table"] == "parted"
    assert "there is no table 'counter'" in etl("import", "rds", "counter").stderr
    assert "did you mean 'shop.orders'?" in etl("import", "rds", "shop.ordrs").stderr


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["rds", "nowhere"], 1, "there is no table 'nowhere'", id="no table"),
        pytest.param(["rds", "a; DROP TABLE b"], 2, "cannot read a table called", id="no name"),
        pytest.param(["rsd", "a"], 2, "did you mean 'rds'?", id="no connection"),
        pytest.param(["lake", "x/*.csv"], 1, "no file matches 'x/*.csv'", id="no file"),
        pytest.param(["lake", "../x.csv"], 1, "leads out of the folder", id="out of the folder"),
        pytest.param(["warehouse", "k"], 2, "holds neither tables", id="no source"),
        pytest.param(["lake", "empty.csv"], 1, "empty.csv is empty", id="an empty file"),
        pytest.param(
            ["lake", "latin.csv"], 1, "latin.csv:2:1: the text is not UTF-8", id="not UTF-8"
        ),
    ],
)
def test_what_cannot_be_imported(
    folder: Folder, etl: Etl, rds: str, arguments: list[str], code: int, words: str
) -> None:
    folder.write("lake/empty.csv", "")
    (folder.root / "lake/latin.csv").write_bytes("a,b\né,1\n".encode("latin-1"))

    done = etl("import", *arguments)

    assert (done.returncode, done.stdout) == (code, ""), done.stderr
    assert words in done.stderr


@pytest.mark.parametrize(
    ("text", "keys", "types"),
    [
        pytest.param("a,b\n1,x\n2,y\n", {}, ["bigint", "varchar(5)"], id="commas"),
        pytest.param("a;b\n1;2,5\n", {"delimiter": ";"}, ["bigint", "varchar(10)"],
                     id="semicolons"),
        pytest.param("a\tb\n1\tx\n", {"delimiter": "\t"}, ["bigint", "varchar(5)"], id="tabs"),
        pytest.param("a|b\n1|x\n", {"delimiter": "|"}, ["bigint", "varchar(5)"], id="bars"),
        pytest.param("1,2024-06-25\n2,2024-06-26\n", {"header": False}, ["bigint", "date"],
                     id="no header"),
        pytest.param("a,b\n", {"may_be_empty": True}, ["varchar(255)", "varchar(255)"],
                     id="a header and no row"),
        pytest.param("a,b\n'x,y',1\n'z',2\n", {"quote": "'"}, ["varchar(10)", "bigint"],
                     id="single quotes"),
        pytest.param("a,b\n" + "x" * 3000 + ",1\n", {}, ["varchar(65535)", "bigint"], id="wide"),
        pytest.param("a,b\n12.50,1e-3\n7,2.5\n", {}, ["decimal(18,2)", "double precision"],
                     id="money and measures"),
        pytest.param("a,b\ntrue,2024-06-25 08:00:00\n", {}, ["boolean", "timestamp"], id="moments"),
        pytest.param("a,b\n25/06/2024,08:30\n", {}, ["varchar(20)", "varchar(10)"],
                     id="other dates"),
        pytest.param("on,no\n1,2\n", {}, ["bigint", "bigint"], id="traps of YAML"),
    ],
)  # fmt: skip
@pytest.mark.parametrize("packed", [pytest.param(False, id="plain"), pytest.param(True, id="gz")])
def test_csv_as_it_looks(
    folder: Folder, etl: Etl, text: str, keys: dict[str, object], types: list[str],
    packed: bool,
) -> None:  # fmt: skip
    (folder.root / "lake/things").mkdir()
    file = folder.root / f"lake/things/1.csv{'.gz' if packed else ''}"
    file.write_bytes(gzip.compress(text.encode()) if packed else text.encode())

    done = etl("import", "lake", "things/*.csv*", "--name", "things")

    assert done.returncode == 0, done.stderr
    source = yaml.safe_load(done.stdout)["sources"]["things"]
    columns = source.pop("columns")
    assert source == {"type": "csv", "connection": "lake", "path": "things/*.csv*", **keys}
    assert types == [column["type"] for column in columns]
    rows = len(text.strip().split("\n")) - (keys.get("header") is not False)
    assert read(folder, done.stdout) == {"read": rows, "kept": rows, "rejected": 0}


@pytest.mark.parametrize(
    ("pattern", "name"),
    [
        pytest.param("{{ interval.date }}/*.csv", "source", id="a data interval"),
        pytest.param("*/people*.csv", "people", id="a file"),
        pytest.param("2024*/peo*.csv*", "peo", id="packed or not"),
        pytest.param("2024*/1*.csv", "s_1", id="a number"),
    ],
)
def test_what_a_source_is_called(folder: Folder, etl: Etl, pattern: str, name: str) -> None:
    folder.write("lake/2024-06-25/people.csv", "a\n1\n")
    folder.write("lake/2024-06-25/1.csv", "a\n1\n")

    done = etl("import", "lake", pattern)

    assert list(yaml.safe_load(done.stdout)["sources"]) == [name]
    assert imported(etl, "lake", pattern)["path"] == pattern


def test_a_few_values_that_are_none(folder: Folder, etl: Etl) -> None:
    rows = [f"{n},2024-06-25 08:00:{n % 60:02},{n}.5" for n in range(200)]
    rows[7], rows[9] = "seven,not a time,7.5", "9,2024-06-25 08:00:09,nine"
    folder.write("lake/1.csv", "\n".join(["a,b,c", *rows]) + "\n")

    text = etl("import", "lake", "*.csv", "--name", "things").stdout

    assert "- {name: a, type: bigint}  # rejects 1 of 200: 'seven'\n" in text
    assert "- {name: b, type: timestamp}  # rejects 1 of 200: 'not a time'\n" in text
    assert "- {name: c, type: varchar(10)}\n" in text
    assert read(folder, text) == {"read": 200, "kept": 199, "rejected": 1}
