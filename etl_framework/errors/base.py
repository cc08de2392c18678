"""Every error this package raises on purpose, grouped by what the caller should do next.

    EtlError
        ConfigError         fix the file; never retried
        PlanError           fix the file or the template; never retried
        StepError           a step broke while running
            RetryableError    the same step may work next time (network, lock, throttle)
                ConflictError     another transaction was in the way: try again at once
            CheckFailedError  rows broke a rule of severity error; never retried
            DataMissingError  a source that must have data has none; never retried
            BrokenStateError  a file that an earlier run wrote is not as it was written
        BundleError         a bundle would not work where it goes; nothing was written
        MissingExtraError   an optional dependency is missing; the hint says which extra to install

An error carries diagnostics: one for every problem, each with the place to look at.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Literal, Self

from etl_framework.errors.secrets import without_known

Severity = Literal["error", "warning"]


@dataclass(frozen=True, order=True)
class Diagnostic:
    """One problem: its place (line and column from 1, 0 for a whole file), a message, a hint."""

    path: str
    line: int
    column: int
    code: str
    message: str
    hint: str = ""
    severity: Severity = "error"

    def __str__(self) -> str:
        warning = "warning: " if self.severity == "warning" else ""
        text = f"{self.place}{self.code} {warning}{self.message}"
        return f"{text}\n  hint: {self.hint}" if self.hint else text

    @property
    def place(self) -> str:
        """`path:line:column: `, without what is not known."""
        if not self.path:
            return ""
        numbers = f"{self.line}:{self.column}:" if self.line else ""
        return f"{self.path}:{numbers} "

    def without_secrets(self) -> Diagnostic:
        """The same, without secrets in its message and hint."""
        message, hint = without_known(self.message), without_known(self.hint)
        if (message, hint) == (self.message, self.hint):
            return self
        return replace(self, message=message, hint=hint)


class EtlError(Exception):
    """Base of every error of this package; it holds no secret that is known.

    :param problem: one sentence, or all diagnostics.
    :param hint: what to do, if the problem is a sentence.
    """

    code = "R500"

    def __init__(self, problem: str | Iterable[Diagnostic], hint: str = "") -> None:
        if isinstance(problem, str):
            problem = [Diagnostic("", 0, 0, self.code, problem, hint)]
        self.diagnostics = tuple(diagnostic.without_secrets() for diagnostic in problem)
        super().__init__(self.diagnostics)

    def about(self, diagnostics: Iterable[Diagnostic]) -> Self:
        """Give this error other diagnostics, with a place or from several steps, and return it."""
        self.diagnostics = tuple(diagnostic.without_secrets() for diagnostic in diagnostics)
        return self

    def __str__(self) -> str:
        return "\n".join(str(diagnostic) for diagnostic in self.diagnostics)


class ConfigError(EtlError):
    """A file says something that cannot be done; fix the file."""

    code = "R100"


class PlanError(EtlError):
    """No plan can be made from the files and templates; fix them."""

    code = "R200"


class StepError(EtlError):
    """A step broke while running."""

    code = "R300"


class RetryableError(StepError):
    """The same step may work next time: a connection was lost, a lock was held."""

    code = "R310"


class ConflictError(RetryableError):
    """Another transaction was in the way (Redshift's 1023); the step may work a moment later."""

    code = "R311"


class CheckFailedError(StepError):
    """Rows broke a rule of severity error, so nothing was published.

    :param checks: the results of all checks of the relation, including the failed ones.
    """

    code = "R320"

    def __init__(
        self, problem: str | Iterable[Diagnostic], hint: str = "", checks: tuple[Any, ...] = ()
    ) -> None:
        super().__init__(problem, hint)
        self.checks = checks


class DataMissingError(StepError):
    """A source has no data, no such table or no such column."""

    code = "R330"


class BrokenStateError(StepError):
    """A file in staging is not as it was written: it is cut, changed, or gone."""

    code = "R340"


class BundleError(EtlError):
    """A bundle would not work where it goes; the error says everything that is wrong with it."""

    code = "B100"


class MissingExtraError(EtlError):
    """An optional dependency is not installed."""

    code = "R400"

    def __init__(self, package: str, extra: str) -> None:
        super().__init__(
            f"the package '{package}' is not installed",
            hint=f"pip install 'etl-framework[{extra}]'",
        )


MANY = 20  # names in one hint


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A hint with the nearest known name or, if none is near, with the known names."""
    names = sorted(set(known))
    near = difflib.get_close_matches(word, names, n=1, cutoff=0.6)
    if near:
        return f"did you mean '{near[0]}'?"
    shown = [*names[:MANY], f"and {len(names) - MANY} more"] if len(names) > MANY + 1 else names
    return f"known: {', '.join(shown)}" if shown else ""
