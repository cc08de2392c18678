"""Connect to the warehouse that a connection describes."""

from __future__ import annotations

from pathlib import Path

from etl_framework.connections.base import Connection
from etl_framework.errors import ConfigError
from etl_framework.plugins import import_all
from etl_framework.targets.base import Warehouse


def warehouse_for(connection: Connection) -> type[Warehouse] | None:
    """The class that loads into a connection of this kind; None when nothing can."""
    import_all(__package__ or "")
    for warehouse in sorted(Warehouse.__subclasses__(), key=lambda found: found.__name__):
        if isinstance(connection, warehouse.connects):
            return warehouse
    return None


def open_warehouse(connection: Connection, root: Path, *, read_only: bool = False) -> Warehouse:
    """A connected warehouse; the caller closes it.

    :raises ConfigError: a connection of this kind cannot hold targets.
    :raises RetryableError: it does not answer, or another process has it.
    """
    warehouse = warehouse_for(connection)
    if warehouse is None:
        kind = getattr(connection, "type", "")
        raise ConfigError(f"a connection of type '{kind}' cannot hold targets")
    return warehouse.open(connection, root, read_only=read_only)
