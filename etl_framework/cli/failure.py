"""How a command fails: what is told, and its exit code."""

from __future__ import annotations

import errno
from dataclasses import dataclass

import click

from etl_framework.errors import ConfigError, Diagnostic, EtlError, PlanError

# What ends a command without being a bug; of OSError only REFUSED.
EXPECTED = (EtlError, click.ClickException, OSError)
# Errors of the machine, such as a full disk, which no command can prevent.
REFUSED = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR,
    errno.EEXIST, errno.EISDIR, errno.EMFILE,
}  # fmt: skip
FOUND, COULD_NOT_RUN = 1, 2


@dataclass(frozen=True)
class Failure:
    """What is told of an error.

    :param code: 1 if something was found or failed, 2 if the command could not run.
    """

    diagnostics: tuple[Diagnostic, ...]
    code: int


def failure_of(error: Exception) -> Failure:
    """What is told of an error that is no bug; any other is raised again.

    A wrong option has no code of ours.
    """
    if isinstance(error, EtlError):
        wrong_files = isinstance(error, ConfigError | PlanError)
        return Failure(error.diagnostics, COULD_NOT_RUN if wrong_files else FOUND)
    if isinstance(error, click.ClickException):
        return Failure((Diagnostic("", 0, 0, "", error.format_message()),), COULD_NOT_RUN)
    if isinstance(error, OSError) and error.errno in REFUSED:
        message = f"{error.filename or 'what is printed'}: {error.strerror}"
        return Failure((Diagnostic("", 0, 0, "", message),), COULD_NOT_RUN)
    raise error
