"""What is wrong with servers, tried on real ones: each is found, and nothing else."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.devstack.stack import Stack
from etl_framework.devstack.tls import server_context
from etl_framework.doctor.clock import Clock
from etl_framework.doctor.identity import Identity
from tests.chaos.proxies import S3Proxy
from tests.conftest import Folder
from tests.doctor.conftest import LAKE, answering, codes, patient, told, versions
from tests.iam.conftest import on

pytestmark = pytest.mark.slow
PLACE = ("environments.yml", 9, 7)


@pytest.fixture
def silent() -> Iterator[int]:
    """A port where connections are taken, and nothing is ever said."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield int(listener.getsockname()[1])


def without(url: str, part: str, other: str = "") -> str:
    """A URL with a part replaced, which it must have."""
    assert part in url
    return url.replace(part, other)


def test_nothing_is_wrong(clinic: Folder, stack: Stack) -> None:
    assert told(clinic) == []
    assert stack.s3.list_objects_v2(Bucket=LAKE)["KeyCount"] == 1  # no probe is left
    versions(stack, "Suspended")
    (found,) = told(clinic)
    assert (found.code, found.path, found.severity) == ("D411", "environments.yml", "warning")
    assert "Status=Enabled" in found.hint


def test_a_server_that_is_not_there(
    clinic: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        free = listener.getsockname()[1]
    url = stack.variables["ETL_DEV_RDS_URL"]
    monkeypatch.setenv("TEST_RDS_URL", without(url, f":{stack.ports['rds']}/", f":{free}/"))
    monkeypatch.setenv("ETL_DEV_REDSHIFT_PORT", str(free))
    monkeypatch.setenv("ETL_DEV_S3_URL", f"http://127.0.0.1:{free}")

    assert set(codes(clinic)) == {
        ("D311", "lake"), ("D311", "rds"), ("D311", "warehouse"), ("D404", "staging"),
    }  # fmt: skip


def test_a_server_that_says_nothing(
    clinic: Folder, silent: int, stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = stack.variables["ETL_DEV_RDS_URL"]
    monkeypatch.setenv("TEST_RDS_URL", without(url, f":{stack.ports['rds']}/", f":{silent}/"))

    (found,) = told(clinic, seconds=1.5)
    assert (found.code, found.message[:31]) == ("D900", "rds: no answer within 1.5 secon")


def test_a_wrong_password(clinic: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    password = stack.variables["ETL_DEV_REDSHIFT_PASSWORD"]
    url = without(stack.variables["ETL_DEV_RDS_URL"], password, "wrong-and-secret")
    monkeypatch.setenv("TEST_RDS_URL", url)
    monkeypatch.setenv("ETL_DEV_REDSHIFT_PASSWORD", "wrong-and-secret")

    assert codes(clinic) == [("D313", "rds"), ("D313", "warehouse")]
    assert "wrong-and-secret" not in str(told(clinic))
    assert [each.line > 5 for each in told(clinic)] == [True, True]


def test_a_bucket_that_is_not_there(clinic: Folder) -> None:
    file = clinic.root / "environments.yml"
    file.write_text(file.read_text().replace(LAKE, "nobodys-lake"))

    assert codes(clinic) == [("D401", "staging"), ("D401", "lake")]


def test_tls_that_is_off(clinic: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch) -> None:
    url = without(stack.variables["ETL_DEV_RDS_URL"], "verify-full", "require")
    monkeypatch.setenv("TEST_RDS_URL", url.partition("&sslrootcert")[0])
    file = clinic.root / "environments.yml"
    file.write_text(
        file.read_text().replace("ssl_root_cert:", "ssl_mode: require\n        ssl_root_cert:")
    )

    found = told(clinic)
    assert [(each.code, each.severity) for each in found] == 2 * [("D314", "warning")]
    monkeypatch.setenv(
        "TEST_RDS_URL", url.replace("require", "prefer").partition("&sslrootcert")[0]
    )
    assert ("D314", "error") in [(each.code, each.severity) for each in told(clinic)]


def test_a_certificate_of_somebody_else(
    clinic: Folder, stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "other").mkdir()
    _, other = server_context(tmp_path / "other")
    ours = stack.variables["ETL_DEV_AUTHORITY"]
    monkeypatch.setenv(
        "TEST_RDS_URL", without(stack.variables["ETL_DEV_RDS_URL"], ours, str(other))
    )
    monkeypatch.setenv("ETL_DEV_AUTHORITY", str(other))

    assert codes(clinic) == [("D312", "rds"), ("D312", "warehouse")]


@pytest.mark.parametrize(
    ("method", "inside", "wanted"),
    [
        pytest.param("PUT", "", [("D404", "staging")], id="no writing"),
        pytest.param("POST", "", [("D404", "staging")], id="no deleting"),
        pytest.param("GET", "probe-", [("D407", "staging"), ("D403", "staging")], id="no reading"),
        pytest.param("GET", "orders/1.csv", [("D403", "lake")], id="no reading of a source's file"),
        pytest.param("GET", "prefix=orders", [("D402", "lake")], id="no listing"),
    ],
)  # fmt: skip
def test_rights_in_s3(
    clinic: Folder, stack: Stack, monkeypatch: pytest.MonkeyPatch, method: str, inside: str,
    wanted: list[tuple[str, str]],
) -> None:  # fmt: skip
    proxy = S3Proxy(stack.variables["ETL_DEV_S3_URL"])
    proxy.verdict = lambda asked, path: "403" if asked == method and inside in path else ""
    monkeypatch.setenv("ETL_DEV_S3_URL", proxy.url)
    try:
        assert set(wanted) <= set(codes(clinic))
        assert {code for code, _ in codes(clinic)} <= {"D404", *(code for code, _ in wanted)}
    finally:
        proxy.stop()


def test_a_role_that_is_not_the_clusters(clinic: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_DEV_REDSHIFT_ROLE", "arn:aws:iam::123456789012:role/other")

    (found,) = told(clinic)
    assert (found.code, "not associated" in found.message) == ("D405", True)


def test_rights_in_databases(clinic: Folder, stack: Stack, tmp_path: Path) -> None:
    url = stack.variables["ETL_DEV_RDS_URL"]
    on(url, "DROP TABLE customers; CREATE TABLE customers (nr integer)")
    session = Redshift(type="redshift", host="localhost", database="dev", user="awsuser",
                       port=stack.variables["ETL_DEV_REDSHIFT_PORT"],
                       password="{{ env.ETL_DEV_REDSHIFT_PASSWORD }}",
                       ssl_root_cert=stack.variables["ETL_DEV_AUTHORITY"],
                       ).open_session(tmp_path)  # fmt: skip
    session.run("CREATE TABLE totals (customer varchar(20), orders int, amount decimal(12,2))")
    session.close()
    warehouse = stack._rds.replace("/rds?", "/warehouse?")
    on(warehouse, "CREATE ROLE etl_ill; GRANT USAGE ON SCHEMA public, redshift TO etl_ill")
    on(warehouse, "GRANT ALL ON ALL TABLES IN SCHEMA redshift TO etl_ill")
    on(warehouse, "GRANT SELECT ON totals TO etl_ill")
    on(warehouse, "ALTER ROLE postgres IN DATABASE warehouse SET role = etl_ill")
    try:
        found = told(clinic)
    finally:
        on(warehouse, "SET ROLE NONE; ALTER ROLE postgres IN DATABASE warehouse RESET role;"
                      "DROP OWNED BY etl_ill; DROP ROLE etl_ill")  # fmt: skip
    assert [(each.code, each.path, each.message) for each in found] == [
        ("D406", "environments.yml",
         "warehouse: there is no table etl_ledger, and it may not be made"),
        ("D406", "pipelines/orders.yml", 'PostgreSQL: column "id" does not exist'),
        ("D406", "pipelines/orders.yml", "the user may not INSERT, DELETE on totals"),
    ]  # fmt: skip
    assert [each.line for each in found[1:]] == [4, 23]


EMPTY = b"<ListBucketResult><KeyCount>0</KeyCount></ListBucketResult>"


@pytest.mark.parametrize(
    ("minutes", "says"),
    [
        pytest.param(0, [], id="the same time"),
        pytest.param(5, [("warning", "behind")], id="five minutes behind"),
        pytest.param(-20, [("error", "ahead of")], id="twenty minutes ahead"),
    ],
)
def test_a_clock(
    clinic: Folder, monkeypatch: pytest.MonkeyPatch, minutes: int, says: list[tuple[str, str]]
) -> None:
    date = format_datetime(datetime.now(UTC) + timedelta(minutes=minutes), usegmt=True)
    with answering(lambda asked, body: (200, EMPTY), date) as url:
        monkeypatch.setenv("ETL_DEV_S3_URL", url)
        found = list(Clock().examine(patient(clinic), "lake"))

    told = [(each.severity, word) for each in found for _, word in says if word in each.message]
    assert (told, len(found)) == (says, len(says))


WHO = (b"<GetCallerIdentityResponse><GetCallerIdentityResult><Account>1</Account>"
       b"</GetCallerIdentityResult></GetCallerIdentityResponse>")  # fmt: skip
NO = b"<ErrorResponse><Error><Code>AccessDenied</Code><Message>no</Message></Error></ErrorResponse>"


def test_a_role_that_cannot_be_assumed(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    orders.write(
        "environments.yml",
        """
        default: local
        environments:
          local:
            connections:
              lake: {type: s3, bucket: lake, conn_id: aws_lake, region: eu-west-1}
              warehouse: {type: duckdb, path: .etl/warehouse.duckdb}
        """,
    )
    role = "arn:aws:iam::123456789012:role/reader"
    monkeypatch.setenv(
        "AIRFLOW_CONN_AWS_LAKE",
        f'{{"login": "k", "password": "s", "extra": {{"role_arn": "{role}"}}}}',
    )

    def sts(_: object, body: bytes) -> tuple[int, bytes]:
        return (403, NO) if b"AssumeRole" in body else (200, WHO)

    with answering(sts) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        (found,) = Identity().examine(patient(orders), "lake")
    assert found.message == f"lake: the role {role} cannot be assumed: AccessDenied"
    assert (found.code, found.path, found.line) == ("D412", "environments.yml", 5)
    with answering(lambda asked, body: (403, NO.replace(b"AccessDenied", b"ExpiredToken"))) as url:
        monkeypatch.setenv("AWS_ENDPOINT_URL_STS", url)
        (found,) = Identity().examine(patient(orders), "lake")
    assert "AWS does not know who asks: ExpiredToken" in found.message
