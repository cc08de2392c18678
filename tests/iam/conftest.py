"""The music pipeline beside a stand-in that holds a few rows."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import psycopg2
import pytest

from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.iam.facts import Facts
from etl_framework.iam.rights import Rights, Wanted, rights_of
from etl_framework.project.project import load_project
from tests.conftest import REPOSITORY, Folder
from tests.iam.recorder import ACCOUNT, REGION

CLUSTER = f"arn:aws:redshift:{REGION}:{ACCOUNT}:cluster:music"
FACTS = {
    "account_id": ACCOUNT,
    "region": REGION,
    "etl_dev_bucket": BUCKET,
    "warehouse_arn": CLUSTER,
    "etl_dev_redshift_role": f"arn:aws:iam::{ACCOUNT}:role/etl-copy",
    "etl_dev_redshift_user": "awsuser",
    "etl_dev_redshift_database": "dev",
    "etl_dev_redshift_port": "5439",
}
SCHEMA = """
DROP TABLE IF EXISTS users, tracks;
CREATE TABLE users (user_id serial PRIMARY KEY, username varchar(255), created_at timestamp);
CREATE TABLE tracks (track_id serial PRIMARY KEY, title varchar(255), genre varchar(100),
                     duration float, artist varchar(255));
INSERT INTO users SELECT n, 'user ' || n, '2024-01-01' FROM generate_series(1, 9) AS n;
INSERT INTO tracks SELECT n, 'track ' || n, 'Pop', 100 + n, 'Ada' FROM generate_series(1, 9) AS n;
"""
EVENTS = "".join(
    f"{n % 9 + 1},{n % 7 + 1},2024-06-25 {n % 24:02}:{n % 60:02}:00\n" for n in range(400)
)


def on(url: str, sql: str) -> None:
    """Run statements in a database."""
    connection = psycopg2.connect(url)
    try:
        with connection, connection.cursor() as cursor:
            cursor.execute(sql)
    finally:
        connection.close()


@pytest.fixture
def music(stack: Stack, tmp_path: Path) -> Folder:
    """The project as it is, with a bucket and a database that hold little."""
    for name in ("pipelines", "sql_templates"):
        shutil.copytree(REPOSITORY / name, tmp_path / name)
    shutil.copy(REPOSITORY / "environments.yml", tmp_path)
    (tmp_path / ".etl/dev").mkdir(parents=True)
    (tmp_path / ".etl/dev/env").touch()
    on(stack.variables["ETL_DEV_RDS_URL"], SCHEMA)
    text = "user_id,track_id,listen_time\n" + EVENTS + "x,1,never\n"
    stack.s3.put_object(Bucket=BUCKET, Key="streaming-data/1.csv", Body=text.encode())
    return Folder(tmp_path)


def rights(
    folder: Folder, environment: str, facts: Mapping[str, str] = FACTS, wanted: Wanted | None = None
) -> Rights:
    """What the command prints, for the facts that it needs of these."""
    project = load_project(folder.root)
    needed = rights_of(project, environment, Facts({}), wanted).parameters
    given = {name: value for name, value in facts.items() if name in needed}
    return rights_of(project, environment, Facts(given), wanted)
