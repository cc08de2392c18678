"""The label of a run on what it sends to databases: which pipeline, step, run and commit asks."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import asdict, dataclass

# Nothing else gets into a comment or a text, so that no value can end either.
_OTHER = re.compile(r"[^A-Za-z0-9_.+-]")
LONGEST_PART = 100
# PostgreSQL cuts longer names of applications.
LONGEST_NAME = 63


@dataclass(frozen=True)
class Label:
    """Whose statements they are.

    :param run: the run's identifier, as the ledger has it.
    :param commit: that of the project's files, with `+` if they were changed since.
    """

    pipeline: str
    step: str
    run: str = ""
    commit: str = ""
    environment: str = ""

    def comment(self) -> str:
        """The comment behind a statement.

        It begins a new line, because the statement's last line may be a comment itself.
        """
        # /* etl pipeline=shop step=kpi.totals run=20261130T084241-8c1a823f commit=48916d3 */
        said = {**asdict(self), "env": self.environment}
        del said["environment"]
        facts = " ".join(f"{name}={_safe(value)}" for name, value in said.items() if value)
        return f"\n/* etl {facts} */"

    @property
    def group(self) -> str:
        """What Redshift calls the `query_group`: `etl:shop:kpi.totals`."""
        return f"etl:{_safe(self.pipeline)}:{_safe(self.step)}"

    @property
    def application(self) -> str:
        """What PostgreSQL shows as `application_name`: the group, as far as there is room."""
        return self.group[:LONGEST_NAME]


_current: ContextVar[Label | None] = ContextVar("label", default=None)


@contextmanager
def labelled(label: Label) -> Iterator[None]:
    """Give a label to the connections that this thread opens meanwhile."""
    token = _current.set(label)
    try:
        yield
    finally:
        _current.reset(token)


def label() -> Label | None:
    """The label for a connection that is opened now; None outside a run."""
    return _current.get()


def _safe(value: str) -> str:
    return _OTHER.sub("_", value)[:LONGEST_PART]
