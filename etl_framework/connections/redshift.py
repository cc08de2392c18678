"""Amazon Redshift: a provisioned cluster or a Serverless workgroup, by a driver or the Data API."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator, model_validator

from etl_framework.connections.aws import client
from etl_framework.connections.base import Connection, inside
from etl_framework.connections.redshift_session import Address, Session
from etl_framework.connections.settings import resolve
from etl_framework.errors import ConfigError


class Redshift(Connection):
    """A Redshift database.

    With `cluster` or `workgroup` and no `password`, IAM lets in: a password for an hour is asked
    for when a step connects. Values such as `{{ var.redshift_endpoint }}` are looked up then, too.
    """

    type: Literal["redshift"]
    driver: Literal["psycopg2", "redshift_connector", "data_api"] = Field(
        "psycopg2",
        description="How to talk to it; `data_api` needs no route to the cluster, only to AWS.",
    )
    host: str | None = Field(None, description="The endpoint, without port and database.")
    port: str = Field("5439", description="The endpoint's port.")
    database: str = Field(description="The database.")
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
        """A connected session; the caller closes it.

        :param root: the project's folder.
        :raises RetryableError: it does not answer.
        :raises ConfigError: a setting cannot be looked up, or AWS refuses.
        """
        if self.driver == "data_api":
            from etl_framework.connections.redshift_data import DataApiSession

            api = client(
                "redshift-data", region=self.region, endpoint_url=self.endpoint_url,
                profile=self.profile,
            )  # fmt: skip
            return DataApiSession(api, self._of_the_data_api())
        address = self._address(root)
        if self.driver == "psycopg2":
            from etl_framework.connections.redshift_psycopg2 import Psycopg2Session

            return Psycopg2Session(address)
        from etl_framework.connections.redshift_connector import ConnectorSession

        return ConnectorSession(address)

    def role(self) -> str:
        """What COPY says behind IAM_ROLE: a role's ARN, or `default`."""
        return resolve(self.iam_role, setting="iam_role")

    def _of_the_data_api(self) -> dict[str, str]:
        given = {
            "Database": self.database, "ClusterIdentifier": self.cluster,
            "WorkgroupName": self.workgroup, "SecretArn": self.secret_arn,
            "DbUser": self.user if self.cluster and not self.secret_arn else None,
        }  # fmt: skip
        return {key: resolve(value, setting=key) for key, value in given.items() if value}

    def _address(self, root: Path) -> Address:
        user, password = self._credentials()
        port = resolve(self.port, setting="port")
        if not port.isdigit():
            raise ConfigError(f"port is {self.port}, which gives no number")
        authorities = None
        if self.ssl_root_cert:
            authorities = inside(root, resolve(self.ssl_root_cert, setting="ssl_root_cert"))
        return Address(
            host=resolve(str(self.host), setting="host"),
            port=int(port),
            database=resolve(self.database, setting="database"),
            user=user,
            password=password,
            ssl_mode=self.ssl_mode,
            authorities=authorities,
        )

    def _credentials(self) -> tuple[str, str]:
        """User and password: those given, or for an hour from IAM."""
        user = resolve(self.user, setting="user") if self.user else ""
        if self.password:
            return user, resolve(self.password, setting="password")
        from etl_framework.connections.redshift_iam import temporary

        service = "redshift" if self.cluster else "redshift-serverless"
        api = client(
            service, region=self.region, endpoint_url=self.endpoint_url, profile=self.profile
        )
        database = resolve(self.database, setting="database")
        if self.cluster:
            cluster = resolve(self.cluster, setting="cluster")
            return temporary(api, database, cluster=cluster, user=user)
        return temporary(api, database, workgroup=resolve(str(self.workgroup), setting="workgroup"))
