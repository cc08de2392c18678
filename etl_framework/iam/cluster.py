"""Rights on Redshift: temporary passwords, statements by the Data API, and the role of COPY.

Source: Service Authorization Reference, "Amazon Redshift", "Amazon Redshift Serverless", "Amazon
Redshift Data API".
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl_framework.connections.redshift.connection import Redshift
from etl_framework.iam.facts import Facts
from etl_framework.iam.policy import Statement, trust

SUBMIT = ("redshift-data:BatchExecuteStatement", "redshift-data:ExecuteStatement")
FOLLOW = (
    "redshift-data:CancelStatement",
    "redshift-data:DescribeStatement",
    "redshift-data:GetStatementResult",
)
OWN = {"StringEquals": {"redshift-data:statement-owner-iam-userid": ["${aws:userid}"]}}


def way_in(facts: Facts, name: str, connection: Redshift) -> Iterator[Statement]:
    """The rights that a worker needs to log in by a connection."""
    sid = "".join(part.capitalize() for part in name.split("_"))
    if connection.driver == "data_api":
        yield Statement(f"Submit{sid}", SUBMIT, (database_arn(facts, name, connection),))
        yield Statement(f"Follow{sid}", FOLLOW, ("*",), OWN)
        if connection.secret_arn:
            secret = facts.text(connection.secret_arn)
            yield Statement(f"Login{sid}", ("secretsmanager:GetSecretValue",), (secret,))
            return
    elif connection.password or not (connection.cluster or connection.workgroup):
        return
    if connection.workgroup:
        arn = database_arn(facts, name, connection)
        yield Statement(f"Login{sid}", ("redshift-serverless:GetCredentials",), (arn,))
    elif connection.cluster:
        cluster = facts.text(connection.cluster)
        user, database = user_of(facts, name, connection), database_of(facts, name, connection)
        arns = (
            facts.arn("redshift", f"dbuser:{cluster}/{user}"),
            facts.arn("redshift", f"dbname:{cluster}/{database}"),
        )
        yield Statement(f"Login{sid}", ("redshift:GetClusterCredentials",), arns)


def database_arn(facts: Facts, name: str, connection: Redshift) -> str:
    """The ARN of the cluster or workgroup; no file knows the id that a workgroup's ends in."""
    if connection.cluster:
        return facts.arn("redshift", f"cluster:{facts.text(connection.cluster)}")
    what = "The ARN of the Serverless workgroup" if connection.workgroup else "The cluster's ARN"
    return facts.fact(f"{name}_arn", f"{what} behind '{name}'.")


def copy_trust(facts: Facts, connections: dict[str, Redshift]) -> dict[str, Any]:
    """The trust policy of the role of COPY: only Redshift may assume it, for these clusters."""
    services = {"redshift.amazonaws.com"}
    if not all(connection.cluster for connection in connections.values()):
        services.add("redshift-serverless.amazonaws.com")
    arns = [database_arn(facts, name, connection) for name, connection in connections.items()]
    where = {
        "StringEquals": {"aws:SourceAccount": [facts.account]},
        "ArnLike": {"aws:SourceArn": arns},
    }
    return trust(sorted(services), where)


def user_of(facts: Facts, name: str, connection: Redshift) -> str:
    """The database user of a connection."""
    if connection.user:
        return facts.text(connection.user)
    return facts.fact(f"{name}_user", f"The database user of '{name}'.")


def database_of(facts: Facts, name: str, connection: Redshift) -> str:
    """The database of a connection."""
    if connection.database:
        return facts.text(connection.database)
    return facts.fact(f"{name}_database", f"The database of '{name}'.")
