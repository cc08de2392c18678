"""Turn errors of boto3 into ours: what may pass, what is wrong in a file, what is not there."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from etl_framework.errors import ConfigError, DataMissingError, EtlError, RetryableError
from etl_framework.errors.failures import of_aws
from etl_framework.errors.secrets import said


@contextmanager
def our_errors(place: str) -> Iterator[None]:
    """Turn boto3's errors into ours, which name the place and contain no credentials.

    :raises DataMissingError: there is no such object.
    :raises ConfigError: there is no such bucket, it may not be used, or the server is not S3.
    :raises RetryableError: S3 is busy or does not answer, after boto3 has tried several times.
    """
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError, NoCredentialsError
    from botocore.parsers import ResponseParserError

    try:
        yield
    except NoCredentialsError as error:
        raise ConfigError(
            "there are no credentials for S3", hint="give the machine a role, or set AWS_PROFILE"
        ) from error
    except (ResponseParserError, KeyError, RecursionError) as error:
        # boto3 follows a redirect to the same place until Python gives up.
        raise ConfigError(
            f"what answers for {place} does not speak S3's language",
            hint="check `endpoint_url`, and the proxy between here and S3",
        ) from error
    except (ClientError, BotoCoreError, Boto3Error) as error:
        # boto3 tells of a refused upload in words, and the answer of S3 is what it was raised in.
        answer = error if isinstance(error, ClientError) else error.__context__
        told = answer if isinstance(answer, ClientError) else error
        raise _ours(place, told) from error


def _ours(place: str, error: Exception) -> EtlError:
    kind = of_aws(error)
    response = getattr(error, "response", None)
    if not isinstance(response, dict):
        if issubclass(kind, RetryableError):
            return kind(f"S3 does not answer for {place}: {type(error).__name__}")
        return kind(f"S3: {place}: {type(error).__name__}: {said(error)}")
    code = str(response.get("Error", {}).get("Code", ""))
    if kind is DataMissingError:
        return kind(f"{place} is not there")
    if kind is ConfigError:
        hint = "check the bucket's name, its region and what the role may do"
        return kind(f"S3 refuses {place}: {code or said(error)}", hint)
    return kind(f"S3: {place}: {code or said(error)}")
