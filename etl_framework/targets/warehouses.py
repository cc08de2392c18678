"""Find the warehouse of a connection, and open it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from etl_framework.connections.base import Connection
from etl_framework.errors import ConfigError, DataMissingError, EtlError
from etl_framework.plugins import below, import_all
from etl_framework.sql.quote import names, quote
from etl_framework.targets import ledger
from etl_framework.targets.base import Warehouse


def warehouse_for(connection: Connection) -> type[Warehouse] | None:
    """Return the class that loads into connections of this kind, or None if there is none.

    One that is made from another warehouse counts where it says itself what it connects to.
    """
    import_all(__package__ or "")
    warehouses: list[type[Warehouse]] = [
        kind for kind in below(Warehouse) if "connects" in vars(kind)
    ]
    for warehouse in sorted(warehouses, key=lambda kind: kind.__name__):
        if isinstance(connection, warehouse.connects):
            return warehouse
    return None


def open_warehouse(
    connection: Connection, root: Path, *, read_only: bool = False, home: str = ""
) -> Warehouse:
    """Connect to a warehouse; use it in a `with` statement, which closes it.

    :param home: the schema of tables that are named without one, if it is not the usual one.
    :raises ConfigError: a connection of this kind cannot hold targets.
    :raises RetryableError: the warehouse does not answer, or another process uses it.
    """
    warehouse = warehouse_for(connection)
    if warehouse is None:
        kind = getattr(connection, "type", "")
        raise ConfigError(f"a connection of type '{kind}' cannot hold targets")
    opened = warehouse.open(connection, root, read_only=read_only)
    if home:
        try:
            opened.settle(home, read_only=read_only)
        except EtlError:
            opened.close()
            raise
    return opened


def ledger_rows(
    connection: Connection,
    root: Path,
    columns: list[str],
    where: str,
    values: Sequence[Any],
    table: str = ledger.TABLE,
    *,
    home: str = "",
) -> list[tuple[Any, ...]]:
    """Return rows of a connection's ledger; no rows if nothing was ever published.

    :param where: the condition after WHERE, with `?` for values.
    :param table: the ledger itself, or a table beside it.
    :param home: the schema where it lies, if that is not the usual one.
    :raises RetryableError: the warehouse does not answer.
    """
    try:
        with open_warehouse(connection, root, read_only=True, home=home) as warehouse:
            if not warehouse.table_columns(table):
                return []
            sql = f"SELECT {names(columns)} FROM {quote(table)} WHERE {where}"
            return warehouse.query(sql, values)[1]
    except DataMissingError:  # the file of the database does not exist yet
        return []
