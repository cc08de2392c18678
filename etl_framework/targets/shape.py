"""What makes tables as a run wants them, by when the run does it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from etl_framework.errors import Diagnostic, RetryableError, StepError
from etl_framework.targets.alteration import Transaction
from etl_framework.targets.tables import Table, Tables


@dataclass(frozen=True)
class Shape:
    """Changes of tables.

    :param before: what is made before the rows come: missing tables, and what no transaction holds.
    :param together: what is made in the transaction that brings the rows, by table, so that a run
        that fails leaves the tables as they were.
    :param behind: other layouts, which no transaction holds and no row waits for.
    """

    before: tuple[Transaction, ...]
    together: tuple[tuple[Table, tuple[Transaction, ...]], ...]
    behind: tuple[Transaction, ...]

    @classmethod
    def of(cls, warehouse: Tables, wanted: Sequence[Table]) -> Shape:
        """Compare tables with what they are to be.

        :raises StepError: some must not be changed as needed; no table is changed then.
        """
        before, behind = list[Transaction](), list[Transaction]()
        together = list[tuple[Table, tuple[Transaction, ...]]]()
        refused = list[Diagnostic]()
        for table in wanted:
            try:
                made = warehouse.needed(table)
            except RetryableError:
                raise
            except StepError as error:
                for said in error.diagnostics:
                    refused.append(Diagnostic(*table.place, said.code, said.message, said.hint))
                continue
            before += [change.statements for change in made if change.when == "before"]
            behind += [change.statements for change in made if change.when == "behind"]
            if held := tuple(change.statements for change in made if change.when == "with"):
                together.append((table, held))
        if refused:
            raise StepError(refused)
        return cls(tuple(before), tuple(together), tuple(behind))

    @property
    def altered(self) -> tuple[Table, ...]:
        """The tables that are changed in the transaction that brings the rows."""
        return tuple(table for table, _ in self.together)

    @property
    def held(self) -> list[str]:
        """The statements of that transaction, in order."""
        return [sql for _, made in self.together for statements in made for sql in statements]

    @property
    def all(self) -> tuple[Transaction, ...]:
        """All changes, in order."""
        return (*self.before, *(sql for _, made in self.together for sql in made), *self.behind)
