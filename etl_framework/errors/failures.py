"""Which errors of drivers and clients are tried again: tables from their codes to our errors.

`RetryableError` and `ConflictError` are tried again. A refused right is not: the same request is
refused again. Without a line here, what a server answered is final.
"""

from __future__ import annotations

import errno
import re
from collections.abc import Mapping
from typing import Any

from etl_framework.errors import (
    ConfigError,
    ConflictError,
    DataMissingError,
    EtlError,
    RetryableError,
    StepError,
)

Kind = type[EtlError]

# SQLSTATEs of PostgreSQL and Redshift; two characters stand for a whole class.
SQLSTATES: Mapping[str, Kind] = {
    "08": RetryableError,  # the connection broke
    "08P01": StepError,  # a violation of the protocol
    "40": ConflictError,  # another transaction was in the way
    "40001": ConflictError,  # serialization, also with the recovery of a standby
    "40P01": ConflictError,  # deadlock
    "40003": RetryableError,  # nobody knows whether the statement was completed
    "53": RetryableError,  # no memory, no disk, too many connections
    "53400": StepError,  # a limit of the configuration
    "55P03": RetryableError,  # a lock was not to be had in time
    "57014": RetryableError,  # cancelled, also when the time for a statement is over
    "57P01": RetryableError,  # the server shuts down
    "57P02": RetryableError,  # the server crashed
    "57P03": RetryableError,  # the server starts
    "57P05": RetryableError,  # the session was idle for too long
    "58": RetryableError,  # an error of the server's system
    "58P01": StepError,  # a file that is not there
    "28": ConfigError,  # the login is refused
    "28P01": RetryableError,  # the password, which may have been rotated: it is looked up anew
    "3D000": RetryableError,  # no such database: one that is being restored appears later
    "42501": StepError,  # a refused right
}
CERTIFICATE: tuple[tuple[str, Kind], ...] = (("certificate verify failed", ConfigError),)
# Messages at connecting, for which the driver gives no SQLSTATE; the first that fits counts.
CONNECTING: tuple[tuple[str, Kind], ...] = (
    *CERTIFICATE,
    ("root certificate file .* does not exist|sslrootcert", ConfigError),
    ("no pg_hba.conf entry", ConfigError),
    ("server does not support SSL", ConfigError),
    ("is not permitted to log in", ConfigError),
    ("permission denied for database", ConfigError),
    ("invalid (?:integer value|port number|sslmode value|connection option)", ConfigError),
    ("", RetryableError),
)
# Messages of Redshift, whose drivers give few codes; the first that fits counts.
REDSHIFT: tuple[tuple[str, Kind], ...] = (
    (r"\b1023\b|[Ss]erializable isolation", ConflictError),
    ("could not serialize|deadlock detected", ConflictError),
    (r"S3ServiceException.*(?:503|500|SlowDown)", RetryableError),
    ("S3ServiceException.*(?:[Cc]onnection broken|reset by peer)", RetryableError),
    ("connection (?:is )?(?:closed|lost|reset)|terminating connection", RetryableError),
    ("no message from the libpq|server closed the connection", RetryableError),
    ("canceling statement|cancelled on user's request|statement timeout", RetryableError),
)
# Codes of errors that AWS answers with. Expired credentials are those of a role, which renews them.
_PASSING = """
    500 502 503 504 429 SlowDown InternalError InternalFailure InternalServerError
    InternalServerException ServiceUnavailable ServiceUnavailableException Throttling
    ThrottlingException ThrottledException RequestThrottled RequestLimitExceeded
    BandwidthLimitExceeded TooManyRequestsException LimitExceededException
    PriorRequestNotComplete RequestTimeout RequestTimeoutException OperationAborted
    IDPCommunicationError ActiveStatementsExceededException ActiveSessionsExceededException
    DatabaseConnectionException QueryTimeoutException KMS.ThrottlingException ExpiredToken
    ExpiredTokenException RequestExpired
"""
_REFUSED = """
    301 400 401 403 AccessDenied AccessDeniedException AllAccessDisabled AccountProblem
    AuthFailure AuthorizationHeaderMalformed Forbidden IllegalLocationConstraintException
    InvalidAccessKeyId InvalidBucketName InvalidClientTokenId InvalidToken
    KMS.DisabledException KMS.KMSInvalidStateException KMS.NotFoundException MethodNotAllowed
    NoSuchBucket NotImplemented NotSignedUp OptInRequired PermanentRedirect
    RequestTimeTooSkewed SignatureDoesNotMatch UnauthorizedAccess UnrecognizedClientException
    ValidationException
"""
AWS: Mapping[str, Kind] = {
    **dict.fromkeys(_PASSING.split(), RetryableError),
    **dict.fromkeys(_REFUSED.split(), ConfigError),
    **dict.fromkeys(("NoSuchKey", "404", "NotFound", "NoSuchVersion"), DataMissingError),
}
# Errors of botocore and boto3 without an answer of AWS; a class stands for those made from it.
CLIENT: Mapping[str, Kind] = {
    "HTTPClientError": RetryableError,
    "ConnectionError": RetryableError,
    "IncompleteReadError": RetryableError,
    "ResponseParserError": RetryableError,
    "MetadataRetrievalError": RetryableError,
    "CredentialRetrievalError": RetryableError,
    "ChecksumError": RetryableError,
    "FlexibleChecksumError": RetryableError,
    "WaiterError": RetryableError,
    "RetriesExceededError": RetryableError,
    "Boto3Error": RetryableError,
    "SSLError": RetryableError,
    "BotoCoreError": ConfigError,
}
# Errors of DuckDB; a class stands for those made from it.
DUCKDB: Mapping[str, Kind] = {
    "TransactionException": ConflictError,
    "HTTPException": RetryableError,
    "ResourceInUseException": RetryableError,
    "Error": StepError,
}
# Errors of the system; all others are final.
SYSTEM: Mapping[int, Kind] = dict.fromkeys(
    (
        errno.ECONNRESET, errno.ECONNABORTED, errno.ECONNREFUSED, errno.ENETUNREACH,
        errno.EHOSTUNREACH, errno.ENETDOWN, errno.ETIMEDOUT, errno.EPIPE, errno.ESTALE,
        errno.EAGAIN, errno.EINTR, errno.EBUSY,
    ),
    RetryableError,
)  # fmt: skip


def of_sqlstate(code: str | None) -> Kind:
    """The error for a SQLSTATE; without one the server said nothing, as the connection broke."""
    if not code:
        return RetryableError
    return SQLSTATES.get(code) or SQLSTATES.get(code[:2]) or StepError


def of_message(table: tuple[tuple[str, Kind], ...], message: str) -> Kind | None:
    """The error for the first line of a table that fits a message; None if none does."""
    return next((kind for words, kind in table if re.search(words, message)), None)


def of_answer(code: str, status: int = 0) -> Kind:
    """The error for an answer of AWS: by its code, for an unknown one by the status of HTTP."""
    if code in AWS:
        return AWS[code]
    return RetryableError if status >= 500 or status in (0, 408, 429) else ConfigError


def of_client(error: BaseException) -> Kind:
    """The error for one of boto3 or botocore: no answer may pass, a setting does not."""
    return of_message(CERTIFICATE, str(error)) or of_class(CLIENT, error)


def of_aws(error: Any) -> Kind:
    """The error for an answer of AWS, or for none."""
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        return of_client(error)
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    return of_answer(str(response.get("Error", {}).get("Code", "")), int(status))


def of_class(table: Mapping[str, Kind], error: BaseException) -> Kind:
    """The error for a class of a driver, or for the nearest class that it is made from."""
    return next((table[c.__name__] for c in type(error).__mro__ if c.__name__ in table), StepError)


def of_system(error: OSError) -> Kind:
    """The error for one of the system: a lost connection may pass, a full disk does not."""
    if isinstance(error, ConnectionError | TimeoutError):
        return RetryableError
    return SYSTEM.get(error.errno or 0, StepError)
