"""Entry by entry: which errors of drivers, of AWS and of the system are tried again."""

from __future__ import annotations

import errno
import os
from typing import Any

import botocore.exceptions
import duckdb
import psycopg2.errorcodes
import pytest
from boto3.exceptions import S3UploadFailedError
from botocore.exceptions import ClientError

from etl_framework.connections.libpq.session import kind_of
from etl_framework.errors import (
    ConfigError,
    ConflictError,
    DataMissingError,
    EtlError,
    RetryableError,
    StepError,
    failures,
)
from etl_framework.errors.failures import (
    AWS,
    CLIENT,
    CONNECTING,
    DUCKDB,
    REDSHIFT,
    SQLSTATES,
    SYSTEM,
)
from etl_framework.storage.s3 import our_errors

AGAIN, AT_ONCE, FINAL, FIX, MISSING = (
    RetryableError, ConflictError, StepError, ConfigError, DataMissingError,
)  # fmt: skip


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        ("08000", AGAIN), ("08003", AGAIN), ("08006", AGAIN), ("08P01", FINAL),
        ("40001", AT_ONCE), ("40P01", AT_ONCE), ("40002", AT_ONCE), ("40003", AGAIN),
        ("53100", AGAIN), ("53200", AGAIN), ("53300", AGAIN), ("53400", FINAL),
        ("55P03", AGAIN), ("55006", FINAL), ("57014", AGAIN), ("57P01", AGAIN), ("57P02", AGAIN),
        ("57P03", AGAIN), ("57P04", FINAL), ("57P05", AGAIN), ("58030", AGAIN), ("58P01", FINAL),
        ("28000", FIX), ("28P01", AGAIN), ("3D000", AGAIN), ("42501", FINAL), ("42P01", FINAL),
        ("22003", FINAL), ("23505", FINAL), ("0A000", FINAL), ("XX000", FINAL), ("XX001", FINAL),
        ("", AGAIN), (None, AGAIN),
    ],
)  # fmt: skip
def test_a_sqlstate(code: str | None, kind: type[EtlError]) -> None:
    assert failures.of_sqlstate(code) is kind


def test_every_sqlstate_of_the_table_is_one_of_postgresql_or_a_class() -> None:
    names = vars(psycopg2.errorcodes).values()
    known = {name for name in names if isinstance(name, str) and len(name) == 5}

    assert {code for code in SQLSTATES if len(code) == 5} - known == set()
    assert {code for code in SQLSTATES if len(code) == 2} - {code[:2] for code in known} == set()


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        pytest.param(psycopg2.DatabaseError("error with status PGRES_COPY_OUT"), AGAIN, id="COPY"),
        pytest.param(psycopg2.OperationalError("server closed"), AGAIN, id="lost"),
        pytest.param(psycopg2.InterfaceError("connection already closed"), AGAIN, id="closed"),
        pytest.param(psycopg2.ProgrammingError("can't adapt type"), FINAL, id="a bug"),
        pytest.param(psycopg2.DataError("year out of range"), FINAL, id="a value"),
    ],
)
def test_an_error_of_psycopg2_without_a_sqlstate(
    error: psycopg2.Error, kind: type[EtlError]
) -> None:
    assert kind_of(error) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("SSL error: certificate verify failed", FIX),
        ('root certificate file "/a" does not exist', FIX),
        ('FATAL:  no pg_hba.conf entry for host "10.0.0.1", user "me"', FIX),
        ("server does not support SSL, but SSL was required", FIX),
        ('FATAL:  role "me" is not permitted to log in', FIX),
        ('FATAL:  permission denied for database "db"', FIX),
        ('invalid integer value "x" for connection option "port"', FIX),
        ('invalid port number: "99999"', FIX),
        ('invalid sslmode value: "maybe"', FIX),
        ('FATAL:  password authentication failed for user "me"', AGAIN),
        ('FATAL:  database "db" does not exist', AGAIN),
        ("FATAL:  sorry, too many clients already", AGAIN),
        ("Connection refused", AGAIN),
        ("timeout expired", AGAIN),
        ('could not translate host name "db" to address', AGAIN),
    ],
)
def test_a_message_at_connecting(message: str, kind: type[EtlError]) -> None:
    assert failures.of_message(CONNECTING, message) is kind


@pytest.mark.parametrize(
    ("message", "kind"),
    [
        ("1023 DETAIL: Serializable isolation violation on table - 1", AT_ONCE),
        ("could not serialize access due to concurrent update", AT_ONCE),
        ("deadlock detected", AT_ONCE),
        ("S3ServiceException:Please reduce your request rate.,Status 503,Error SlowDown", AGAIN),
        ("S3ServiceException:We encountered an internal error,Status 500", AGAIN),
        ("S3ServiceException: Connection broken: reset by peer", AGAIN),
        ("connection is closed", AGAIN),
        ("terminating connection due to administrator command", AGAIN),
        ("error with status PGRES_COPY_OUT and no message from the libpq", AGAIN),
        ("server closed the connection unexpectedly", AGAIN),
        ("ERROR: canceling statement due to statement timeout", AGAIN),
        ("Query (42) cancelled on user's request", AGAIN),
        ("S3ServiceException:Access Denied,Status 403,Error AccessDenied", None),
        ("permission denied for relation orders", None),
        ('relation "orders" does not exist', None),
    ],
)
def test_a_message_of_redshift(message: str, kind: type[EtlError] | None) -> None:
    assert failures.of_message(REDSHIFT, message) is kind


def test_every_line_about_messages_is_the_first_for_one_above() -> None:
    """A line that no message reaches would be a line that nobody tests."""
    for table, test in (
        (CONNECTING, test_a_message_at_connecting),
        (REDSHIFT, test_a_message_of_redshift),
    ):
        (mark,) = (each for each in test.pytestmark if each.name == "parametrize")
        reached = {
            next(
                (words for words, _ in table if failures.of_message(((words, FIX),), message)), None
            )
            for message, _ in mark.args[1]
        }
        assert {words for words, _ in table} - reached == set()


@pytest.mark.parametrize(
    ("code", "status", "kind"),
    [
        *((code, 400, kind) for code, kind in AWS.items()),
        ("Unheard", 500, AGAIN), ("Unheard", 503, AGAIN), ("Unheard", 429, AGAIN),
        ("Unheard", 408, AGAIN), ("Unheard", 0, AGAIN), ("Unheard", 400, FIX), ("", 403, FIX),
    ],
)  # fmt: skip
def test_an_answer_of_aws(code: str, status: int, kind: type[EtlError]) -> None:
    answer = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    assert failures.of_aws(ClientError(answer, "PutObject")) is kind


REFUSED = "AccessDenied 403 Forbidden InvalidAccessKeyId SignatureDoesNotMatch NoSuchBucket"


def test_no_refused_right_is_tried_again_and_a_throttle_is() -> None:
    assert {AWS[code] for code in REFUSED.split()} == {ConfigError}
    assert {AWS[code] for code in ("SlowDown", "ThrottlingException", "503")} == {RetryableError}


@pytest.mark.parametrize("name", sorted(CLIENT))
def test_an_error_of_a_client_of_aws_is_one_of_its(name: str) -> None:
    import boto3.exceptions
    import botocore.parsers

    places = (botocore.exceptions, boto3.exceptions, botocore.parsers)
    assert [place for place in places if hasattr(place, name)]


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (botocore.exceptions.EndpointConnectionError(endpoint_url="x"), AGAIN),
        (botocore.exceptions.ConnectTimeoutError(endpoint_url="x"), AGAIN),
        (botocore.exceptions.ReadTimeoutError(endpoint_url="x"), AGAIN),
        (botocore.exceptions.ConnectionClosedError(endpoint_url="x"), AGAIN),
        (botocore.exceptions.SSLError(endpoint_url="x", error="unexpected eof"), AGAIN),
        (botocore.exceptions.SSLError(endpoint_url="x", error="certificate verify failed"), FIX),
        (botocore.exceptions.ProfileNotFound(profile="x"), FIX),
        (botocore.exceptions.NoRegionError(), FIX),
        (botocore.exceptions.ParamValidationError(report="x"), FIX),
        (botocore.exceptions.IncompleteReadError(actual_bytes=1, expected_bytes=2), AGAIN),
        (botocore.exceptions.MetadataRetrievalError(error_msg="x"), AGAIN),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.code,
)
def test_an_error_of_a_client_of_aws(error: Exception, kind: type[EtlError]) -> None:
    assert failures.of_aws(error) is kind


def test_a_refused_upload_is_told_as_refused() -> None:
    """boto3 raises another error for uploads, in which S3's answer is only words."""
    answer: Any = {"Error": {"Code": "AccessDenied"}, "ResponseMetadata": {"HTTPStatusCode": 403}}
    with (
        pytest.raises(ConfigError, match="S3 refuses s3://b/k: AccessDenied"),
        our_errors("s3://b/k"),
    ):
        try:
            raise ClientError(answer, "PutObject")
        except ClientError as error:
            raise S3UploadFailedError(f"Failed to upload: {error}")  # noqa: B904 - as boto3 does


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (duckdb.TransactionException("write-write conflict"), AT_ONCE),
        (duckdb.HTTPException("503"), AGAIN),
        (duckdb.ResourceInUseException("the file is locked"), AGAIN),
        (duckdb.IOException("No space left on device"), FINAL),
        (duckdb.OutOfMemoryException("out of memory"), FINAL),
        (duckdb.ConversionException("no number"), FINAL),
        (duckdb.InterruptException("interrupted"), FINAL),
        (duckdb.CatalogException("no such table"), FINAL),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else value.code,
)
def test_an_error_of_duckdb(error: Exception, kind: type[EtlError]) -> None:
    assert failures.of_class(DUCKDB, error) is kind
    assert set(DUCKDB) <= set(vars(duckdb))


@pytest.mark.parametrize("number", sorted(SYSTEM), ids=errno.errorcode.__getitem__)
def test_an_error_of_the_system_that_may_pass(number: int) -> None:
    assert failures.of_system(OSError(number, os.strerror(number))) is RetryableError


@pytest.mark.parametrize(
    "number", [errno.ENOSPC, errno.EACCES, errno.EROFS, errno.ENOENT], ids=errno.errorcode.get
)
def test_an_error_of_the_system_that_is_final(number: int) -> None:
    assert failures.of_system(OSError(number, os.strerror(number))) is StepError
