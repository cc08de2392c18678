"""Changes of tables in Redshift: in place, or a copy takes their place where ALTER TABLE cannot.

Redshift changes no type of a column but the length of a VARCHAR, and that not in a transaction, nor
under a view (Database Developer Guide, "ALTER TABLE").
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from typing import TYPE_CHECKING

from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.alteration import Alteration, joined
from etl_framework.targets.catalogue import TABLE, arrangement, schema_and_name
from etl_framework.targets.copy import Copy
from etl_framework.targets.difference import Difference
from etl_framework.targets.tables import Table

if TYPE_CHECKING:
    from etl_framework.targets.redshift import RedshiftWarehouse


def altered(
    warehouse: RedshiftWarehouse, difference: Difference, dropped: Collection[str]
) -> list[Alteration]:
    """What gives columns other types, lets others be empty, and drops some.

    It is done in place, or by a copy with the same rows: readers see the table as it was, until the
    copy takes its place.

    :param dropped: columns that go, by the names that they have.
    :raises StepError: the copy would lose something.
    """
    retyped = difference.retyped
    here = difference.retypes(warehouse.type_written)
    changes = [*here, *difference.frees(dropped), *difference.drops(dropped)]
    if not changes:
        return []
    copy = Copy.of(warehouse, difference, dropped)
    longer = all(change.longer for change in retyped)
    freed = len(changes) > len(here) + len(dropped)
    if longer and not (freed or (retyped and copy.views) or copy.loses_a_key):
        # Before the columns are renamed, which a transaction holds.
        here = difference.retypes(warehouse.type_written, as_called_now=True)
        return [*(replace(change, when="before") for change in here), *difference.drops(dropped)]
    what = joined(changes, "copies the rows")
    return [replace(what, statements=copy.statements(what.what))]


def arranged(warehouse: RedshiftWarehouse, table: Table) -> list[Alteration]:
    """What changes keys of distribution and order, in place, where a target asks for others.

    Redshift moves the rows behind the scenes; readers and runs go on.
    """
    target = table.target
    if not (target.dist_key or target.dist_style or target.sort_key):
        return []
    oid = int(warehouse.query(TABLE, schema_and_name(warehouse, table.name))[1][0][0])
    style, key, order = arrangement(warehouse, table.name, oid)
    changes = []
    if target.dist_key and target.dist_key.lower() != key:
        changes.append(f"DISTKEY {quote(target.dist_key)}")
    if target.dist_style and target.dist_style != style:
        changes.append(f"DISTSTYLE {target.dist_style.upper()}")
    if target.sort_key and [column.lower() for column in target.sort_key] != order:
        changes.append(f"SORTKEY ({names(target.sort_key)})")
    alter = f"ALTER TABLE {quote_table(table.name)} ALTER"
    return [
        Alteration(change.replace('"', ""), (f"{alter} {change}",), "moves the rows", when="behind")
        for change in changes
    ]
