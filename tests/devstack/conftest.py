"""A client of the stand-in that knows nothing of this framework."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import psycopg2
import pytest

from etl_framework.devstack.stack import BUCKET, ROLE, Stack


class Client:
    """A connection of psycopg2, each statement on its own, and the bucket."""

    def __init__(self, stack: Stack) -> None:
        self.connection = psycopg2.connect(**settings(stack))
        self.connection.autocommit = True
        self.s3 = stack.s3

    def run(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """A statement's rows, if it gives any."""
        with self.connection.cursor() as cursor:
            cursor.execute(sql, values or None)
            return cursor.fetchall() if cursor.description else []

    def put(self, key: str, data: bytes | str) -> None:
        """Write an object."""
        self.s3.put_object(Bucket=BUCKET, Key=key, Body=data)

    def copy(self, table: str, key: str, options: str = "CSV") -> list[tuple[Any, ...]]:
        """Load objects into a table."""
        return self.run(f"COPY {table} FROM 's3://{BUCKET}/{key}' IAM_ROLE '{ROLE}' {options}")


def settings(stack: Stack) -> dict[str, str]:
    """What libpq needs, TLS and all."""
    prefix = "ETL_DEV_REDSHIFT_"
    names = {"host": "HOST", "port": "PORT", "dbname": "DATABASE", "user": "USER",
             "password": "PASSWORD"}  # fmt: skip
    found = {name: stack.variables[prefix + variable] for name, variable in names.items()}
    authority = stack.variables["ETL_DEV_AUTHORITY"]
    return {**found, "sslmode": "verify-full", "sslrootcert": authority}


@pytest.fixture
def client(stack: Stack) -> Iterator[Client]:
    found = Client(stack)
    yield found
    found.connection.close()
