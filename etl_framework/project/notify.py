"""The settings of messages that Airflow sends about runs: to whom, when and how."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from etl_framework.model import Model, one_word

Event = Annotated[
    Literal["failure", "success", "warning", "warn", "late"], AfterValidator(one_word)
]


class _Notify(Model):
    events: list[Event] = Field(
        ["failure"],
        min_length=1,
        description="A step failed for good, the run was published, a check of severity warning, "
        "a run is not done by its deadline.",
    )


class Slack(_Notify):
    """A message in Slack, by an incoming webhook."""

    type: Literal["slack"]
    conn_id: str = Field("slack_default", description="Airflow's connection to the webhook.")


class Sns(_Notify):
    """A message to a topic of Amazon SNS."""

    type: Literal["sns"]
    topic: str = Field(description="The topic's ARN.")
    conn_id: str = Field("aws_default", description="Airflow's connection with the credentials.")
    region: str | None = Field(None, description="The topic's region; the connection's if missing.")


class Email(_Notify):
    """An e-mail."""

    type: Literal["email"]
    to: list[str] = Field(min_length=1, description="Addresses.")
    conn_id: str = Field("smtp_default", description="Airflow's connection to the mail server.")


class Webhook(_Notify):
    """A POST with JSON: `pipeline`, `event`, `step`, `interval`, `text`."""

    type: Literal["webhook"]
    conn_id: str = Field("http_default", description="Airflow's connection with the address.")
    endpoint: str = Field("", description="The path behind the connection's address.")


AnyNotify = Annotated[Slack | Sns | Email | Webhook, Field(discriminator="type")]
