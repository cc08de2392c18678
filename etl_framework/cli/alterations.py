"""Lines about the changes that tables need."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl_framework.plan.ddl import Change


def lines(change: Change, waiting: str = "") -> Iterator[str]:
    """What a table needs: its state, then each change with its cost and its statements.

    :param waiting: what is said of a change that a run does not make.
    """
    state = "would change" if change.alterations else "as it should be"
    rows = "" if change.rows is None else f", {change.rows:,} row{'' if change.rows == 1 else 's'}"
    yield f"{change.table}: {'refused' if change.refused else state}{rows}"
    said = ""
    for alteration in change.alterations:
        words = f"  {alteration.what} ({alteration.cost}{waiting if alteration.waits else ''})"
        yield from [words] if words != said else []
        yield from (f"    {sql};" for sql in _shown(alteration.statements))
        said = words
    for name in change.left:
        yield f"  {name} is not of the KPI, and stays"
    for problem in change.refused:
        yield f"  {problem.message}"
        yield f"  hint: {problem.hint}"


def _shown(statements: Sequence[str]) -> Sequence[str]:
    """The statements with their transaction, if they are several."""
    return ("BEGIN", *statements, "COMMIT") if len(statements) > 1 else statements
