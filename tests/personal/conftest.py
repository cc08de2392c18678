"""A project with persons in it: customers in one file, their visits in another."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest

from etl_framework.devstack.stack import Stack
from tests.cli.conftest import etl as etl
from tests.conftest import Folder, bucket, in_postgres, in_the_cluster

SALT = "0123456789abcdef0123456789abcdef"
SHOP = """
name: shop
schedule: "@daily"
sources:
  customers:
    type: csv
    connection: lake
    path: customers/*.csv
    max_rejected: "90%"
    columns:
      - {name: customer_id, type: integer, primary_key: true, sensitive: id, mask: hash}
      - {name: email, type: varchar(60), sensitive: email, mask: hash}
      - {name: full_name, type: varchar(60), sensitive: name, mask: partial}
      - {name: born, type: date, sensitive: true, mask: partial}
      - {name: phone, type: varchar(20), sensitive: true, mask: null}
      - {name: notes, type: varchar(200), sensitive: free text, mask: drop}
      - {name: country, type: varchar(2)}
    checks:
      - {type: accepted_values, column: country, values: [DE, AT], on_fail: quarantine}
  visits:
    type: csv
    connection: lake
    path: visits/*.csv
    columns:
      - {name: customer_id, type: integer, sensitive: id, mask: hash}
      - {name: seconds, type: integer}
    checks:
      - {type: relationships, column: customer_id, to: customers.customer_id, severity: warning}
kpis:
  people:
    sql: shop/people.sql
    target: {connection: warehouse, table: people}
    columns:
      - {name: customer_id, type: varchar(32), primary_key: true}
      - {name: email, type: varchar(32)}
      - {name: full_name, type: varchar(63)}
      - {name: born, type: date}
      - {name: phone, type: varchar(20)}
      - {name: seconds, type: integer}
"""
PEOPLE = """
SELECT c.customer_id, c.email, c.full_name, c.born, c.phone, SUM(v.seconds) AS seconds
FROM customers AS c
JOIN visits AS v ON v.customer_id = c.customer_id
GROUP BY c.customer_id, c.email, c.full_name, c.born, c.phone
"""
CUSTOMERS = """
customer_id,email,full_name,born,phone,notes,country
1,ada@example.com,Ada Lovelace,1815-12-10,0151-1,counts loudly,DE
007,bob@example.com,Bob Byron,1788-01-22,0151-2,writes poems,AT
3,eve@example.com,Eve Poole,1990-02-03,0151-3,left early,FR
four,gus@example.com,Gus Grey,1970-07-07,0151-4,confuses us,DE
"""
VISITS = """
customer_id,seconds
1,30
1,12
7,5
"""
# Whatever tells who somebody is; the mail's domain and the first letter may be seen.
SECRET = [
    "ada@", "bob@", "eve@", "gus@", "Lovelace", "Byron", "Poole", "Grey", "1815-12-", "1788-01-2",
    "0151-", "loudly", "poems", "early", "confuses", "four", SALT,
]  # fmt: skip


def people(folder: Folder) -> Folder:
    """Write the pipeline and its files into a project."""
    folder.write("pipelines/shop.yml", SHOP)
    folder.write("sql_templates/shop/people.sql", PEOPLE)
    folder.write("lake/customers/1.csv", CUSTOMERS)
    folder.write("lake/visits/1.csv", VISITS)
    return folder


def salted(folder: Folder) -> None:
    """Give the only environment of a project a salt."""
    file = folder.root / "environments.yml"
    text = file.read_text(encoding="utf-8")
    line = "  local:\n"
    assert text.count(line) == 1
    file.write_text(text.replace(line, f'{line}    salt: "{{{{ env.ETL_SALT }}}}"\n'))


def to_s3(folder: Folder) -> None:
    """Bring the files of the lake to the bucket."""
    for file in (folder.root / "lake").rglob("*.csv"):
        bucket().write(str(file.relative_to(folder.root / "lake")), file.read_bytes())


@pytest.fixture
def shop(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> Folder:
    """The project on this machine, with the salt set."""
    monkeypatch.setenv("ETL_SALT", SALT)
    monkeypatch.chdir(folder.root)
    salted(folder)
    return people(folder)


@pytest.fixture(params=["here", "postgres", "duckdb", "redshift"])
def anywhere(request: pytest.FixtureRequest, shop: Folder) -> Iterator[Folder]:
    """The same with its targets in PostgreSQL, and in the cluster, by both engines."""
    if request.param == "here":
        yield shop
        return
    if request.param == "postgres":
        in_postgres(shop, request.getfixturevalue("postgres"))
    else:
        stack: Stack = request.getfixturevalue("stack")
        in_the_cluster(shop, request.param)
        to_s3(shop)
        # A list of the forgotten holds for other tests' pipelines of this name, too.
        request.addfinalizer(stack.empty)
    salted(shop)
    yield shop


@pytest.fixture
def orders(shop: Folder) -> Iterator[Folder]:
    """What the command runs in."""
    yield shop


def bytes_below(folder: Path) -> dict[str, bytes]:
    """The content of every file below a folder."""
    return {str(file): file.read_bytes() for file in folder.rglob("*") if file.is_file()}


def everything(folder: Folder) -> dict[str, str]:
    """What lies in staging, here or in S3: all files, those of Parquet also as their rows."""
    files = bytes_below(folder.root / ".etl")
    if "s3://" in (folder.root / "environments.yml").read_text():
        place = bucket() / "stagingData"
        files |= {stored.name: place.read(stored.name) or b"" for stored in place.listed()}
    texts = {}
    for name, content in files.items():
        texts[name] = content.decode("utf-8", "replace")
        if name.endswith(".parquet"):
            scratch = folder.root / "scratch.parquet"
            scratch.write_bytes(content)
            texts[name] += str(duckdb.sql(f"FROM read_parquet('{scratch}')").fetchall())
    assert texts
    return texts
