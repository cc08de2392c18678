"""The base of sessions with Redshift, for all drivers, and the meaning of errors."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl_framework.connections.bounds import Bounds
from etl_framework.connections.label import Label
from etl_framework.errors import EtlError
from etl_framework.errors.failures import REDSHIFT, of_message
from etl_framework.errors.secrets import said, without_secrets

Statement = tuple[str, Sequence[Any]]
# Hints, by words of Redshift's message.
_HINTS = {
    "is not associated to cluster": "attach it to the cluster, or name another as `iam_role`",
    "permission denied": "let the connection's user do this: GRANT",
    "Access Denied": "the `iam_role` needs s3:GetObject and s3:ListBucket for staging",
}


@dataclass(frozen=True)
class Address:
    """The address of a database, with user and password.

    :param authorities: the file of trusted authorities; Amazon's if None.
    :param bounds: how long to wait for the server.
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    ssl_mode: str = "verify-full"
    authorities: Path | None = None
    bounds: Bounds = field(default_factory=Bounds)


@dataclass(frozen=True)
class Result:
    """The result of a statement: column names and rows, or how many rows it changed."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    changed: int = 0


class Session(ABC):
    """Runs statements one after another; temporary tables stay until the session is closed.

    A session that is `interactive` runs BEGIN and COMMIT as statements; another sends transactions
    in a `batch`.
    """

    interactive = True

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        """Run one statement with `?` for values; it commits by itself.

        :raises RetryableError: the connection broke, or there was a conflict that may pass.
        :raises StepError: Redshift refused the statement.
        """

    def batch(self, statements: Sequence[Statement]) -> list[int]:
        """Send statements that are one transaction: all of them take effect, or none.

        If it raises RetryableError, the transaction may have been committed nevertheless.

        :returns: how many rows each has changed.
        :raises RetryableError: as in `run`; run the same statements again, in a new session.
        :raises StepError: Redshift refused a statement.
        """
        raise NotImplementedError

    @abstractmethod
    def cancel(self) -> None:
        """Stop the statement that is running; called from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Close the session; changes that are not committed are undone."""


def tell(sql: str) -> None:
    """Log a statement that is sent, so that a task's log shows what ran."""
    logging.getLogger(__name__).info("SQL: %s", without_secrets(sql))


def grouped(label: Label) -> str:
    """Return the statement that puts a session's queries into the group of a step."""
    return f"SET query_group TO '{label.group}'"


def limit(bounds: Bounds) -> str:
    """Return the statement that lets Redshift end statements which take too long."""
    return f"SET statement_timeout TO {bounds.statement_timeout * 1000}"


def our_error(error: Exception, message: str, kind: type[EtlError]) -> EtlError:
    """Return a driver's error as one of ours, without secrets.

    :param kind: the error if Redshift's words do not tell another.
    """
    text = said(" ".join(message.split())) or type(error).__name__
    kind = of_message(REDSHIFT, text) or kind
    hint = next((hint for words, hint in _HINTS.items() if words in text), "")
    return kind(f"Redshift: {text}", hint=hint)
