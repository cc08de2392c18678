"""Amazon Redshift: a provisioned cluster or a Serverless workgroup, by a driver or the Data API."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import Field, field_validator, model_validator

from etl_framework.connections.aws import client
from etl_framework.connections.base import inside
from etl_framework.connections.bounds import Bounds
from etl_framework.connections.lookup import current, resolve
from etl_framework.connections.redshift.session import Address, Session
from etl_framework.errors import ConfigError


class Redshift(Bounds):
    """A Redshift database.

    With `cluster` or `workgroup` and no `password`, IAM lets in: a password for an hour is asked
    for when a step connects. Values such as `{{ var.redshift_endpoint }}` are looked up then, too.
    """

    type: Literal["redshift"]
    driver: Literal["psycopg2", "redshift_connector", "data_api"] = Field(
        "psycopg2",
        description="How to talk to it; `data_api` needs no route to the cluster, only to AWS.",
    )
    conn_id: str | None = Field(
        None, description="Airflow's connection; what is given here counts before what it says."
    )
    aws_conn_id: str | None = Field(
        None, description="Airflow's connection for IAM and the Data API."
    )
    host: str | None = Field(None, description="The endpoint, without port and database.")
    port: str | None = Field(None, description="The endpoint's port; 5439 if not given.")
    database: str | None = Field(None, description="The database.")
    user: str | None = Field(None, description="The database user.")
    password: str | None = Field(None, description="By reference: `{{ env.X }}`, `{{ var.x }}`.")
    cluster: str | None = Field(None, description="The provisioned cluster's identifier.")
    workgroup: str | None = Field(None, description="The Serverless workgroup's name.")
    secret_arn: str | None = Field(
        None, description="For the Data API: the secret that holds user and password."
    )
    iam_role: str = Field(
        "default", description="The role that COPY reads S3 with; the cluster's default role."
    )
    region: str | None = Field(None, description="The region; boto3's if not given.")
    profile: str | None = Field(None, description="A profile of the AWS configuration.")
    ssl_mode: Literal["verify-full", "verify-ca", "require", "disable"] = Field(
        "verify-full", description="How far the server's certificate is checked."
    )
    ssl_root_cert: str | None = Field(
        None, description="File of trusted authorities; those of Amazon if not given."
    )
    endpoint_url: str | None = Field(
        None, description="A server that speaks Redshift's HTTP APIs, other than AWS."
    )

    @field_validator("password")
    @classmethod
    def _by_reference(cls, value: str | None) -> str | None:
        if value is not None and not value.strip().startswith("{{"):
            raise ValueError('a password is never written here; name it: "{{ env.X }}"')
        return value

    @model_validator(mode="after")
    def _one_way_in(self) -> Redshift:
        if self.conn_id:
            return self
        if not self.database:
            raise ValueError("give 'database', or 'conn_id'")
        if self.driver == "data_api":
            if (self.cluster is None) == (self.workgroup is None):
                raise ValueError("the Data API needs either 'cluster' or 'workgroup'")
        elif self.host is None:
            raise ValueError(f"the driver {self.driver} needs 'host'")
        elif self.password is None and (self.cluster is None) == (self.workgroup is None):
            raise ValueError("give 'password', or for IAM either 'cluster' or 'workgroup'")
        elif self.workgroup is None and self.user is None:
            raise ValueError("give 'user'")
        return self

    def open_session(self, root: Path) -> Session:
        """Open a session; the caller closes it.

        :param root: the project's folder.
        :raises RetryableError: Redshift does not answer.
        :raises ConfigError: a setting cannot be looked up, or AWS refuses.
        """
        settings = self.settings()
        if self.driver == "data_api":
            from etl_framework.connections.redshift.data_api import DataApiSession

            api = self._api("redshift-data", settings)
            return DataApiSession(api, _of_the_data_api(settings), self.statement_timeout)
        address = self._address(settings, root)
        if self.driver == "psycopg2":
            from etl_framework.connections.redshift.psycopg2 import Psycopg2Session

            return Psycopg2Session(address)
        from etl_framework.connections.redshift.connector import ConnectorSession

        return ConnectorSession(address)

    def role(self) -> str:
        """Return the role for COPY's IAM_ROLE: an ARN, or `default`."""
        return resolve(self.iam_role, setting="iam_role")

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        settings = self.settings()
        place = settings.get("host") or settings.get("workgroup") or settings.get("cluster", "")
        table = what if "." in what else f"public.{what}"
        return (
            f"redshift://{place}:{settings.get('port', 5439)}",
            f"{settings.get('database')}.{table}",
        )

    def settings(self) -> dict[str, str]:
        """Return the settings given here, completed by those of the Airflow connection."""
        names = (
            "host",
            "port",
            "database",
            "user",
            "password",
            "cluster",
            "workgroup",
            "secret_arn",
            "region",
            "ssl_mode",
            "ssl_root_cert",
        )
        given = {name: getattr(self, name) for name in names if name in self.model_fields_set}
        ours = {n: resolve(value, setting=n) for n, value in given.items() if value}
        if not self.conn_id:
            return ours
        login = current().login(self.conn_id)
        theirs = {
            "host": login.host,
            "port": login.port,
            "database": login.database,
            "user": login.extra.get("db_user") or login.user,
            "password": login.password,
            "cluster": login.extra.get("cluster_identifier"),
            "workgroup": login.extra.get("serverless_work_group") or login.extra.get("workgroup"),
            "region": login.extra.get("region"),
            "ssl_mode": login.extra.get("sslmode"),
        }
        if login.extra.get("iam"):
            theirs["password"] = ""
        return {name: str(value) for name, value in theirs.items() if value} | ours

    def _api(self, service: str, settings: dict[str, str]) -> Any:
        return client(
            service,
            region=settings.get("region"),
            endpoint_url=self.endpoint_url,
            profile=self.profile,
            conn_id=self.aws_conn_id,
        )

    def _address(self, settings: dict[str, str], root: Path) -> Address:
        if missing := [name for name in ("host", "database") if name not in settings]:
            raise ConfigError(
                f"the connection to Redshift has no {missing[0]}",
                hint=f"give it in environments.yml, or in the connection '{self.conn_id}'",
            )
        port = settings.get("port", "5439")
        if not port.isdigit():
            raise ConfigError("the port of the connection to Redshift is no number")
        authorities = settings.get("ssl_root_cert")
        user, password = self._credentials(settings)
        return Address(
            host=settings["host"],
            port=int(port),
            database=settings["database"],
            user=user,
            password=password,
            ssl_mode=settings.get("ssl_mode", self.ssl_mode),
            authorities=inside(root, authorities) if authorities else None,
            bounds=self,
        )

    def _credentials(self, settings: dict[str, str]) -> tuple[str, str]:
        """Return user and password: those given, or temporary ones from IAM."""
        if password := settings.get("password"):
            return settings.get("user", ""), password
        from etl_framework.connections.redshift.iam import temporary

        api = self._api("redshift" if "cluster" in settings else "redshift-serverless", settings)
        return temporary(
            api,
            settings["database"],
            cluster=settings.get("cluster", ""),
            workgroup=settings.get("workgroup", ""),
            user=settings.get("user", ""),
        )


def _of_the_data_api(settings: dict[str, str]) -> dict[str, str]:
    arguments = {
        "Database": settings.get("database"),
        "ClusterIdentifier": settings.get("cluster"),
        "WorkgroupName": settings.get("workgroup"),
        "SecretArn": settings.get("secret_arn"),
    }
    if "cluster" in settings and "secret_arn" not in settings:
        arguments["DbUser"] = settings.get("user")
    return {name: value for name, value in arguments.items() if value}
