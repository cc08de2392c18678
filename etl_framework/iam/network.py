"""Rules of security groups: who reaches the databases, and on which port."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.errors import ConfigError
from etl_framework.iam.facts import Facts
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline

REDSHIFT, POSTGRES = "5439", "5432"


@dataclass(frozen=True)
class Ingress:
    """A rule that lets somebody reach a database.

    :param group: the database's security group.
    :param source_group: the group that may connect; if empty, `source_range` may connect.
    """

    connection: str
    group: str
    port: str
    source_group: str = ""
    source_range: str = ""


def ingress(
    facts: Facts, used: Environment, pipelines: Iterable[Pipeline], addresses: Sequence[str] = ()
) -> Iterator[Ingress]:
    """The rules by which MWAA's group and the stated addresses reach each database.

    :raises ConfigError: an address is not valid, or lets everybody in.
    """
    ranges = [_range(address) for address in addresses]
    for name, connection in used.used(pipelines).items():
        if getattr(connection, "embedded", None):
            continue
        if isinstance(connection, Redshift) and connection.driver != "data_api":
            port = facts.text(connection.port) if connection.port else REDSHIFT
        elif isinstance(connection, Postgres):
            port = POSTGRES
        else:
            continue
        group = facts.fact(
            f"{name}_security_group_id", f"The security group of the database behind '{name}'."
        )
        mwaa = facts.fact("mwaa_security_group_id", "The security group of MWAA.")
        yield Ingress(name, group, port, source_group=mwaa)
        yield from (Ingress(name, group, port, source_range=cidr) for cidr in ranges)


def _range(address: str) -> str:
    try:
        network = ipaddress.ip_network(address)
    except ValueError as error:
        raise ConfigError(
            f"'{address}' is no range of addresses", hint="such as 10.1.2.3/32"
        ) from error
    if network.prefixlen == 0:
        raise ConfigError(f"'{address}' lets everybody reach the databases")
    return str(network)
