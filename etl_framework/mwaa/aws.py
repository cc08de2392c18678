"""Making calls of AWS, by boto3."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from etl_framework.connections.aws import client
from etl_framework.errors import ConfigError
from etl_framework.mwaa.calls import Body, Call, VersionOf, finding
from etl_framework.mwaa.refused import code_of, missing, refused, unanswered

_MISSING = {"NoSuchKey", "404", "NoSuchVersion", "NotFound", "ResourceNotFoundException"}


@dataclass
class Aws:
    """Makes calls, each told before it is made.

    :param tell: hears of each call.
    :param versions: of the objects that were written, by key.
    :param now: by the clock of AWS, when it answered last.
    """

    tell: Callable[[Call], None] = lambda call: None
    versions: dict[str, str] = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def make(self, call: Call) -> dict[str, Any]:
        """Make a call; what its arguments leave open is filled in.

        :raises ConfigError: AWS refuses it, or there are no credentials.
        :raises PreconditionError: the object is another one.
        :raises RetryableError: AWS does not answer, after boto3 has tried several times.
        """
        found = self.ask(call)
        if found is None:
            raise ConfigError([missing(call)])
        if call.service == "s3" and "VersionId" in found and "Key" in call.arguments:
            self.versions[call.arguments["Key"]] = found["VersionId"]
        return found

    def ask(self, call: Call) -> dict[str, Any] | None:
        """The same; None when there is no such thing."""
        from boto3.exceptions import Boto3Error
        from botocore.exceptions import BotoCoreError, ClientError

        self.tell(call)
        try:
            with ExitStack() as opened:
                arguments = {
                    name: self._opened(value, opened) for name, value in call.arguments.items()
                }
                service = client(call.service, region=None, endpoint_url=None)
                found: dict[str, Any] = getattr(service, call.operation)(**arguments)
        except ClientError as error:
            if code_of(error) in _MISSING:
                return None
            raise refused(call, error) from error
        except (BotoCoreError, Boto3Error) as error:
            raise unanswered(call, error) from error
        if date := found["ResponseMetadata"]["HTTPHeaders"].get("date"):
            self.now = parsedate_to_datetime(date).replace(tzinfo=UTC)
        return found

    def check(self, call: Call) -> None:
        """See whether boto3 knows a call's arguments, without making it.

        :raises ConfigError: it does not.
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
        """The same call until there is no more.

        :param token: the argument that asks for the next page.
        :param following: where an answer has it.
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
        """A value, or the version that it stands for."""
        return self.versions[value.key] if isinstance(value, VersionOf) else value

    def _opened(self, value: Any, opened: ExitStack) -> Any:
        if isinstance(value, Body):
            return opened.enter_context(value.path.open("rb"))
        return self.filled(value)
