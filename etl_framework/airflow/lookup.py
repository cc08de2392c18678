"""Look up variables and connections in Airflow, whichever secrets backend it uses."""

from __future__ import annotations

from typing import Any

from etl_framework.airflow import _compat
from etl_framework.connections.lookup import Login, Lookup
from etl_framework.errors import ConfigError


class AirflowLookup(Lookup):
    """Looks up variables and connections in Airflow while a task runs."""

    def variable(self, name: str) -> str | None:
        return _compat.variable(name)

    def login(self, conn_id: str) -> Login:
        connection = _connection(conn_id)
        return Login(
            host=connection.host or "",
            port=connection.port,
            user=connection.login or "",
            password=connection.password or "",
            database=connection.schema or "",
            extra=connection.extra_dejson,
        )

    def aws(self, conn_id: str, service: str, region: str | None) -> tuple[Any, str | None]:
        """A session and an endpoint, from the hook of Amazon's provider, which can assume roles."""
        from airflow.providers.amazon.aws.hooks.base_aws import AwsGenericHook

        _connection(conn_id)
        hook: AwsGenericHook[Any] = AwsGenericHook(
            aws_conn_id=conn_id, client_type=service, region_name=region
        )
        session = hook.get_session(region_name=region)
        return session, hook.conn_config.get_service_endpoint_url(service)


def _connection(conn_id: str) -> Any:
    try:
        return _compat.BaseHook.get_connection(conn_id)
    except Exception as error:  # its class differs between versions of Airflow
        raise ConfigError(
            f"there is no connection '{conn_id}'", hint="make it in Airflow, or in its secrets"
        ) from error
