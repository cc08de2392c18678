"""The base of sessions with Redshift, for all drivers, and the meaning of errors."""

from __future__ import annotations

import logging
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from etl_framework.errors import ConflictError, EtlError, RetryableError, StepError, without_secrets

Statement = tuple[str, Sequence[Any]]
# 1023 is Redshift's number for a serialization conflict.
_CONFLICT = re.compile(r"\b1023\b|[Ss]erializable isolation|could not serialize|deadlock detected")
# Other errors that another try may cure.
_PASSING = re.compile(
    r"S3ServiceException.*(503|500|SlowDown|[Cc]onnection broken|reset by peer)"
    r"|connection (?:is )?(?:closed|lost|reset)|terminating connection"
)
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
    """

    host: str
    port: int
    database: str
    user: str
    password: str = field(repr=False)
    ssl_mode: str = "verify-full"
    authorities: Path | None = None


@dataclass(frozen=True)
class Result:
    """The result of a statement: column names and rows, or how many rows it changed."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    changed: int = 0


class Session(ABC):
    """Runs statements one after another; temporary tables stay until the session is closed."""

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        """Run one statement with `?` for values; it commits by itself.

        :raises RetryableError: the connection broke, or there was a conflict that may pass.
        :raises StepError: Redshift refused the statement.
        """

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run statements in one transaction: all of them take effect, or none.

        If it raises RetryableError, the transaction may have been committed nevertheless.

        :raises RetryableError: as in `run`; run the same statements again, in a new session.
        :raises StepError: Redshift refused a statement.
        """
        self.run("BEGIN")
        try:
            for sql, values in statements:
                self.run(sql, values)
            self.run("COMMIT")
        except StepError:
            with suppress(StepError):  # a connection that is gone has rolled back
                self.run("ROLLBACK")
            raise

    @abstractmethod
    def cancel(self) -> None:
        """Stop the statement that is running; called from another thread."""

    @abstractmethod
    def close(self) -> None:
        """Close the session; changes that are not committed are undone."""


def tell(sql: str) -> None:
    """Log a statement that is sent, so that a task's log shows what ran."""
    logging.getLogger(__name__).info("SQL: %s", without_secrets(sql))


def our_error(error: Exception, message: str, *, lost: bool) -> EtlError:
    """Return a driver's error as one of ours, without secrets.

    :param lost: the driver says that the connection broke.
    """
    text = " ".join(without_secrets(message).split()) or type(error).__name__
    if _CONFLICT.search(text):
        return ConflictError(f"Redshift: {text}")
    if lost or _PASSING.search(text):
        return RetryableError(f"Redshift: {text}")
    hint = next((hint for words, hint in _HINTS.items() if words in text), "")
    return StepError(f"Redshift: {text}", hint=hint)
