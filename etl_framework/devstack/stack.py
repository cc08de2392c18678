"""All parts of the stand-in on the loopback: PostgreSQL, S3, Redshift and the Data API."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

from etl_framework.connections.embedded import database_of, fill, start
from etl_framework.devstack.cluster import Cluster, Isolation
from etl_framework.devstack.data_api import DataApi
from etl_framework.devstack.moto_server import start_moto
from etl_framework.devstack.postgres_server import PostgresServer
from etl_framework.devstack.tls import server_context
from etl_framework.devstack.wire import Access

USER, DATABASE, BUCKET, REGION = "awsuser", "dev", "music-lake", "eu-west-1"
ROLE = "arn:aws:iam::123456789012:role/etl-copy"


class Stack:
    """The servers and their addresses.

    :param folder: for their data.
    """

    def __init__(self, folder: Path, isolation: Isolation = "snapshot") -> None:
        self.folder = folder
        self._rds = ""
        self._isolation: Isolation = isolation
        self._exit = ExitStack()
        self.variables: dict[str, str] = {}
        self.ports: dict[str, int] = {}
        self.s3: Any = None
        self.cluster: Cluster | None = None

    def start(self) -> None:
        """Start everything; `variables` then has the addresses and passwords.

        :raises MissingExtraError: a package is not installed.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o755)
        password = secrets.token_urlsafe(16)
        tls, authority = server_context(self.folder)
        access = Access({USER: password, "rds": password}, tls)
        s3_url = self._start_s3()
        socket = self._start()
        rds = PostgresServer(socket, "rds", access)
        self.cluster = Cluster(
            socket,
            "warehouse",
            access,
            client=self.s3,
            roles=frozenset([ROLE]),
            isolation=self._isolation,
        )
        api = DataApi(self.cluster, USER, password)
        ports = [part.start() for part in (rds, self.cluster, api)]
        self.ports = dict(zip(("rds", "cluster", "api"), ports, strict=True))
        for part in (rds, self.cluster, api):
            self._exit.callback(part.stop)
        tail = f"sslmode=verify-full&sslrootcert={authority}"
        self.variables = {
            "ETL_DEV_RDS_URL": f"postgresql://rds:{password}@localhost:{ports[0]}/rds?{tail}",
            "ETL_DEV_S3_URL": s3_url,
            "ETL_DEV_BUCKET": BUCKET,
            "ETL_DEV_REDSHIFT_HOST": "localhost",
            "ETL_DEV_REDSHIFT_PORT": str(ports[1]),
            "ETL_DEV_REDSHIFT_DATABASE": DATABASE,
            "ETL_DEV_REDSHIFT_USER": USER,
            "ETL_DEV_REDSHIFT_PASSWORD": password,
            "ETL_DEV_REDSHIFT_ROLE": ROLE,
            "ETL_DEV_AUTHORITY": str(authority),
            "ETL_DEV_AWS_URL": f"http://127.0.0.1:{ports[2]}",
            "AWS_ACCESS_KEY_ID": "etl-dev",
            "AWS_SECRET_ACCESS_KEY": password,
            "AWS_DEFAULT_REGION": REGION,
        }

    def seed(self, folder: Path) -> None:
        """Load `rds/` into PostgreSQL and `lake/` into the bucket, if the folder has them.

        :raises ConfigError: the files cannot be loaded.
        """
        if (folder / "rds").is_dir():
            fill(self._rds, folder / "rds")
        lake = folder / "lake"
        for file in sorted(path for path in lake.rglob("*") if path.is_file()):
            self.s3.upload_file(str(file), BUCKET, str(file.relative_to(lake)))

    def empty(self) -> None:
        """Delete everything from the warehouse and the bucket."""
        if self.cluster:
            self.cluster.empty()
        for page in self.s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
            if keys := [{"Key": entry["Key"]} for entry in page.get("Contents", [])]:
                self.s3.delete_objects(Bucket=BUCKET, Delete={"Objects": keys})

    def stop(self) -> None:
        """Stop everything; the data in PostgreSQL stays."""
        self._exit.close()

    def client_of_s3(self, url: str) -> Any:
        """Return a boto3 client for the S3 server, or for a proxy in front of it."""
        import boto3

        return boto3.client(
            "s3",
            endpoint_url=url,
            region_name=REGION,
            aws_access_key_id="etl-dev",
            aws_secret_access_key="etl-dev",
        )

    def _start_s3(self) -> str:
        url = start_moto(self._exit)
        self.s3 = self.client_of_s3(url)
        place = {"LocationConstraint": REGION}
        # Servers of moto in one process share their buckets.
        with suppress(self.s3.exceptions.BucketAlreadyOwnedByYou):
            self.s3.create_bucket(Bucket=BUCKET, CreateBucketConfiguration=place)
        return url

    def _start(self) -> str:
        """Start the databases `rds` and `warehouse`; return the path of the Unix socket."""
        url = start(self.folder / "postgres", ["rds", "warehouse"], self._exit)
        self._rds = database_of(url, "rds")
        host = parse_qs(urlsplit(url).query)["host"][0]
        return f"{host}/.s.PGSQL.5432"
