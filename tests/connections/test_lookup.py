"""Connections of Airflow, where the environment stands for it."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from etl_framework.connections.lookup import Lookup
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.connections.s3 import S3
from etl_framework.devstack.airflow_settings import connections_of, trust
from etl_framework.devstack.stack import BUCKET, Stack
from etl_framework.errors import ConfigError


@pytest.fixture
def named(stack: Stack, monkeypatch: pytest.MonkeyPatch) -> Stack:
    """The stand-in by Airflow's names."""
    for name, found in connections_of(stack.variables).items():
        monkeypatch.setenv(f"AIRFLOW_CONN_{name.upper()}", json.dumps(found))
    for name, value in trust(stack.variables).items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name)
    return stack


def test_postgres(named: Stack, tmp_path: Path) -> None:
    connection = Postgres(type="postgres", conn_id="music_rds").connect(tmp_path)
    assert connection.info.ssl_in_use
    assert connection.info.dbname == "rds"
    connection.close()


def test_s3(named: Stack) -> None:
    place = S3(type="s3", conn_id="aws_default", bucket=BUCKET).open()
    place.write("1", b"one")
    assert place.read("1") == b"one"


@pytest.mark.parametrize(
    "given",
    [
        pytest.param({}, id="psycopg2"),
        pytest.param({"driver": "redshift_connector"}, id="redshift_connector"),
        pytest.param({"driver": "data_api", "cluster": "etl"}, id="the Data API"),
        pytest.param({"user": "awsuser", "database": "dev", "cluster": "etl"}, id="given here too"),
    ],
)
def test_redshift(named: Stack, tmp_path: Path, given: dict[str, str]) -> None:
    found = Redshift(
        type="redshift", conn_id="redshift_default", aws_conn_id="aws_default", **given
    )
    session = found.open_session(tmp_path)
    assert [int(n) for (n,) in session.run("SELECT 1").rows] == [1]
    session.close()


def test_redshift_by_iam(named: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    extra = {"iam": True, "cluster_identifier": "etl", "db_user": "awsuser",
             "region": "eu-west-1", "sslmode": "verify-full"}  # fmt: skip
    found = {"conn_type": "redshift", "host": named.variables["ETL_DEV_REDSHIFT_HOST"],
             "port": named.variables["ETL_DEV_REDSHIFT_PORT"], "schema": "dev",
             "extra": extra}  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_REDSHIFT_DEFAULT", json.dumps(found))

    connection = Redshift(type="redshift", conn_id="redshift_default", aws_conn_id="aws_default")
    session = connection.open_session(tmp_path)
    assert session.run("SELECT 1").rows == [(1,)]
    session.close()


def test_redshift_by_variables(
    named: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The variables of older projects."""
    names = {"redshift_endpoint": "HOST", "port": "PORT", "database": "DATABASE", "user": "USER",
             "password": "PASSWORD", "iam_arn": "ROLE"}  # fmt: skip
    for name, known in names.items():
        value = named.variables[f"ETL_DEV_REDSHIFT_{known}"]
        monkeypatch.setenv(f"AIRFLOW_VAR_{name.upper()}", value)
    connection = Redshift(
        type="redshift", host="{{ var.redshift_endpoint }}", port="{{ var.port }}",
        database="{{ var.database }}", user="{{ var.user }}", password="{{ var.password }}",
        iam_role="{{ var.iam_arn }}",
    )  # fmt: skip
    session = connection.open_session(tmp_path)
    assert session.run("SELECT 1").rows == [(1,)]
    assert connection.role() == named.variables["ETL_DEV_REDSHIFT_ROLE"]
    session.close()


def test_a_connection_as_a_url(monkeypatch: pytest.MonkeyPatch) -> None:
    secret = quote("p@ss:/?#%", safe="")
    monkeypatch.setenv("AIRFLOW_CONN_X", f"postgres://ada:{secret}@db.example:6543/shop?sslmode=a")

    found = Lookup().login("x")

    assert (found.host, found.port, found.user, found.database) == (
        "db.example", 6543, "ada", "shop",
    )  # fmt: skip
    assert (found.password, found.extra) == ("p@ss:/?#%", {"sslmode": "a"})
    assert secret not in repr(found)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        pytest.param(None, "there is no connection 'x'", id="none"),
        pytest.param('{"host": "very-secret"', "neither a URL nor JSON", id="broken JSON"),
        pytest.param("postgres://very-secret:port@h:x/d", "neither a URL nor JSON", id="no port"),
    ],
)
def test_what_cannot_be_looked_up(
    monkeypatch: pytest.MonkeyPatch, text: str | None, says: str
) -> None:
    if text:
        monkeypatch.setenv("AIRFLOW_CONN_X", text)
    with pytest.raises(ConfigError, match=says) as caught:
        Lookup().login("x")
    assert "very-secret" not in str(caught.value)
