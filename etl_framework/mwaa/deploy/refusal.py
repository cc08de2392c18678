"""Our errors for calls that AWS refused or did not answer; they say what to do."""

from __future__ import annotations

from typing import Any

from etl_framework.errors import ConfigError, Diagnostic, EtlError, RetryableError, StepError
from etl_framework.mwaa.deploy.calls import Call, finding

_REFUSED = {"AccessDenied", "AccessDeniedException", "403", "Forbidden", "UnauthorizedOperation"}
_NO_KEYS = {
    "InvalidClientTokenId",
    "UnrecognizedClientException",
    "ExpiredToken",
    "ExpiredTokenException",
    "InvalidAccessKeyId",
    "SignatureDoesNotMatch",
}
_OTHER = {"PreconditionFailed", "ConditionalRequestConflict", "412", "409"}
_WRONG = {"ValidationException", "InvalidParameterException"}
_AIRFLOW = {"RestApiClientException", "RestApiServerException"}


class PreconditionError(StepError):
    """The object is not in the version that the call asked for."""

    code = "M204"


def missing(call: Call) -> Diagnostic:
    if call.service == "mwaa":
        return finding(
            "M101",
            f"there is no environment '{call.arguments['Name']}'",
            "check its name, the region (AWS_DEFAULT_REGION) and the account",
        )
    place = "/".join(str(call.arguments[n]) for n in ("Bucket", "Key") if n in call.arguments)
    return finding("M109", f"{place or call} is not there", "somebody has deleted it")


def code_of(error: Any) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def refused(call: Call, error: Any) -> EtlError:
    code = code_of(error)
    if error.operation_name.startswith("AssumeRole"):
        hint = "check the role's trust policy, and AWS_PROFILE or AWS_ROLE_ARN"
        return ConfigError([finding("M107", f"the role cannot be assumed: {code}", hint)])
    if code in _NO_KEYS:
        hint = "renew the credentials, or set AWS_PROFILE"
        return ConfigError([finding("M107", f"AWS does not take the credentials: {code}", hint)])
    if code in _REFUSED:
        hint = f"the role needs {call.action}; `etl iam` prints what a deploy needs"
        return ConfigError([finding("M108", f"AWS refuses {call.action}: {code}", hint)])
    if code == "NoSuchBucket":
        bucket = call.arguments["Bucket"]
        hint = "check the environment's source bucket, and the account"
        return ConfigError([finding("M109", f"the bucket '{bucket}' is not there", hint)])
    if code in _OTHER:
        return PreconditionError(f"{call.arguments.get('Key')} is another one by now")
    if code in _WRONG:
        message = error.response["Error"].get("Message", code)
        return ConfigError([finding("M110", f"AWS does not take {call.operation}: {message}")])
    if code in _AIRFLOW:
        code = f"Airflow answers {error.response.get('RestApiStatusCode', code)}"
    return _busy(call, code)


def unanswered(call: Call, error: Exception) -> EtlError:
    from botocore.exceptions import CredentialRetrievalError, NoCredentialsError, ProfileNotFound

    if isinstance(error, (CredentialRetrievalError, NoCredentialsError, ProfileNotFound)):
        hint = "give the machine a role, or set AWS_PROFILE"
        return ConfigError([finding("M107", f"there are no credentials for AWS: {error}", hint)])
    return _busy(call, type(error).__name__)


def _busy(call: Call, code: str) -> RetryableError:
    text = f"{call.service} {call.operation} was not answered: {code}"
    return RetryableError([finding("M203", text, "run the same command again")])
