"""Calls to AWS through boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from etl_framework.connections.aws import client
from etl_framework.errors import ConfigError
from etl_framework.mwaa.deploy.calls import Body, Call, VersionOf, finding
from etl_framework.mwaa.deploy.refusal import code_of, missing, refused, unanswered

_MISSING = {"NoSuchKey", "404", "NoSuchVersion", "NotFound", "ResourceNotFoundException"}


@dataclass
class Aws:
    """Makes calls to AWS, and reports every call before it is made.

    :param tell: receives every call before it is made.
    :param versions: the S3 version of every object written so far, by key.
    :param now: the time that AWS's last answer gave.
    """

    tell: Callable[[Call], None] = lambda call: None
    versions: dict[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def make(self, call: Call) -> dict[str, Any]:
        """Make a call and return its answer; placeholders in its arguments are filled in.

        :raises ConfigError: AWS refuses it, or there are no credentials.
        :raises PreconditionError: somebody else has changed the object.
        :raises RetryableError: AWS does not answer, even after boto3's retries.
        """
        answer = self.ask(call)
        if answer is None:
            raise ConfigError([missing(call)])
        if call.service == "s3" and "VersionId" in answer and "Key" in call.arguments:
            self.versions[call.arguments["Key"]] = answer["VersionId"]
        return answer

    def ask(self, call: Call) -> dict[str, Any] | None:
        """Make a call like `make`, but return None if what it asks for does not exist."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        self.tell(call)
        try:
            with ExitStack() as opened:
                arguments = {
                    name: self._opened(value, opened) for name, value in call.arguments.items()
                }
                service = client(call.service, region=None, endpoint_url=None)
                answer: dict[str, Any] = getattr(service, call.operation)(**arguments)
        except ClientError as error:
            if code_of(error) in _MISSING:
                return None
            raise refused(call, error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise unanswered(call, error) from error
        if date := answer["ResponseMetadata"]["HTTPHeaders"].get("date"):
            self.now = parsedate_to_datetime(date).replace(tzinfo=UTC)
        return answer

    def check(self, call: Call) -> None:
        """Check a call's arguments against boto3's model of the service, without making it.

        :raises ConfigError: an argument is missing, unknown or of a wrong type.
        """
        from botocore.validate import ParamValidator

        known = client(call.service, region=None, endpoint_url=None).meta
        name = known.method_to_api_mapping[call.operation]
        shape = known.service_model.operation_model(name).input_shape
        shown = {n: "x" if isinstance(v, VersionOf) else v for n, v in call.arguments.items()}
        report = ParamValidator().validate(shown, shape)
        if report.has_errors():
            hint = "correct airflow-config.json, and what it was made of"
            raise ConfigError([finding("M110", report.generate_report(), hint)])

    def pages(self, call: Call, token: str, following: str) -> Iterator[dict[str, Any]]:
        """Every page of the answer to a call.

        :param token: the argument that asks for the next page.
        :param following: the key of a page that holds the token of the next page.
        """
        arguments = dict(call.arguments)
        while True:
            page = self.ask(Call(call.service, call.operation, arguments))
            if page is None:
                return
            yield page
            if not page.get(following):
                return
            arguments[token] = page[following]

    def filled(self, value: Any) -> Any:
        """The value of an argument; for a `VersionOf`, the version that S3 gave the object."""
        return self.versions[value.key] if isinstance(value, VersionOf) else value

    def _opened(self, value: Any, opened: ExitStack) -> Any:
        if isinstance(value, Body):
            return opened.enter_context(value.path.open("rb"))
        return self.filled(value)
