"""The warehouses that a report reads, each opened once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from etl_framework.errors import EtlError, RetryableError
from etl_framework.project.workspace import Workspace
from etl_framework.targets.base import Warehouse


class Tables:
    """Opens warehouses when they are needed; `close` closes them.

    :ivar whole: whether all have answered; not while a run has the file of one open, for example.
    """

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace
        self._open: dict[str, ExitStack] = {}
        self._warehouses: dict[str, Warehouse] = {}
        self.whole = True

    @contextmanager
    def warehouse(self, connection: str) -> Iterator[Warehouse]:
        """The warehouse behind a connection, for reading.

        :raises DataMissingError: it does not exist yet.
        :raises RetryableError: it does not answer.
        """
        if connection not in self._warehouses:
            stack = ExitStack()
            try:
                opened = self._workspace.warehouse(connection, read_only=True)
                self._warehouses[connection] = stack.enter_context(opened)
            except RetryableError:
                self.whole = False
                raise
            self._open[connection] = stack
        try:
            yield self._warehouses[connection]
        except EtlError:  # a transaction may have broken, or the connection
            del self._warehouses[connection]
            self._open.pop(connection).close()
            raise

    def close(self) -> None:
        """Close what is open."""
        self._warehouses.clear()
        while self._open:
            self._open.popitem()[1].close()
