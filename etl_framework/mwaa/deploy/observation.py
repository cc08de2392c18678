"""What a look at an environment after a change has shown."""

from __future__ import annotations

from dataclasses import dataclass, field

from etl_framework.errors import ConfigError, Diagnostic, RetryableError
from etl_framework.mwaa.deploy.calls import finding


@dataclass
class Seen:
    """The problems that were seen, and notes for the user."""

    problems: list[Diagnostic] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    @property
    def errors(self) -> list[Diagnostic]:
        """The problems that are errors, not warnings."""
        return [problem for problem in self.problems if problem.severity == "error"]


def other_version(who: str, version: str, framework: str) -> Diagnostic:
    text = f"the {who} has etl-framework {version}, the bundle {framework}"
    return finding("M304", text, "see the install log; deploy again, or `etl deploy --rollback`")


def unseen(what: str, error: ConfigError | RetryableError) -> Diagnostic:
    first = error.diagnostics[0]
    return finding("M305", f"{what} cannot be seen: {first.message}", first.hint, warning=True)
