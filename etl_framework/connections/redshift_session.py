"""What a session with Redshift is, whichever way it goes, and what its errors mean."""

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
# What another try may cure, too.
_PASSING = re.compile(
    r"S3ServiceException.*(503|500|SlowDown|[Cc]onnection broken|reset by peer)"
    r"|connection (?:is )?(?:closed|lost|reset)|terminating connection"
)
# What helps, by words of the refusal.
_HINTS = {
    "is not associated to cluster": "attach it to the cluster, or name another as `iam_role`",
    "permission denied": "let the connection's user do this: GRANT",
    "Access Denied": "the `iam_role` needs s3:GetObject and s3:ListBucket for staging",
}


@dataclass(frozen=True)
class Address:
    """Where a database is, and how to get in.

    :param authorities: file of trusted authorities; Amazon's if None.
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
    """What a statement gave: column names and rows, or how many rows it changed."""

    columns: list[str]
    rows: list[tuple[Any, ...]]
    changed: int = 0


class Session(ABC):
    """Statements run one after another, with temporary tables that stay until it is closed."""

    @abstractmethod
    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        """Run one statement with `?` for values, which commits by itself.

        :raises RetryableError: the connection broke, or a conflict that may pass.
        :raises StepError: Redshift refused it.
        """

    def transaction(self, statements: Sequence[Statement]) -> None:
        """Run statements in one transaction; all of them or none take effect.

        When it raises RetryableError, it may have committed all the same.

        :raises RetryableError: as `run`; the same again is what to do, in a new session.
        :raises StepError: Redshift refused one.
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
        """Stop what is running; called from another thread."""

    @abstractmethod
    def close(self) -> None:
        """End it; what is not committed is undone."""


def tell(sql: str) -> None:
    """Tell the log of a statement that is sent, so that a task's log shows what ran."""
    logging.getLogger(__name__).info("SQL: %s", without_secrets(sql))


def our_error(error: Exception, message: str, *, lost: bool) -> EtlError:
    """An error of a driver as ours, without anything secret.

    :param lost: the connection broke, as far as the driver tells.
    """
    text = " ".join(without_secrets(message).split()) or type(error).__name__
    if _CONFLICT.search(text):
        return ConflictError(f"Redshift: {text}")
    if lost or _PASSING.search(text):
        return RetryableError(f"Redshift: {text}")
    hint = next((hint for words, hint in _HINTS.items() if words in text), "")
    return StepError(f"Redshift: {text}", hint=hint)
