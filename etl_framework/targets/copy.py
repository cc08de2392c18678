"""A copy of a table in Redshift that takes its place, with all that depends on the table."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from etl_framework.errors import StepError
from etl_framework.sql.quote import names, quote, quote_table
from etl_framework.targets.alteration import Transaction
from etl_framework.targets.catalogue import COLUMNS, TABLE, arrangement, schema_and_name
from etl_framework.targets.dependents import Dependents, Grant, View
from etl_framework.targets.difference import Difference
from etl_framework.targets.publication import lock_name, locking

if TYPE_CHECKING:
    from etl_framework.targets.redshift import RedshiftWarehouse

VIEWS = """
SELECT DISTINCT v.oid, d.refobjsubid, n.nspname, v.relname, pg_get_viewdef(v.oid), '',
    CASE WHEN pg_get_userbyid(v.relowner) <> current_user THEN pg_get_userbyid(v.relowner) END,
    obj_description(v.oid, 'pg_class')
FROM pg_depend AS d JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE d.refobjid = ? AND v.oid <> d.refobjid AND v.relkind = 'v'
"""
# Rights on a relation, and on columns of it: SELECT, or SELECT ("day").
GRANTS = """
SELECT privilege_type, identity_type, identity_name, admin_option FROM (
    SELECT namespace_name, relation_name, privilege_type, identity_type, identity_name, admin_option
    FROM svv_relation_privileges
    UNION ALL
    SELECT namespace_name, relation_name,
        privilege_type || ' ("' || REPLACE(column_name, '"', '""') || '")',
        identity_type, identity_name, admin_option
    FROM svv_column_privileges
) AS given
WHERE namespace_name = ? AND relation_name = ? AND identity_name <> current_user
"""
# What a copy would not have, beside columns that count by themselves.
KEYS = "SELECT COUNT(*) FROM pg_constraint WHERE conrelid = ? AND contype IN ('p', 'u', 'f')"
COUNTER = '"identity"('


@dataclass(frozen=True)
class Copy:
    """A table that takes the place of another, with all that this has."""

    warehouse: RedshiftWarehouse
    difference: Difference
    dropped: Collection[str]
    oid: int
    owner: str
    comment: str
    columns: Sequence[tuple[Any, ...]]
    views: Sequence[View]
    grants: Sequence[Grant]

    @classmethod
    def of(
        cls, warehouse: RedshiftWarehouse, difference: Difference, dropped: Collection[str]
    ) -> Copy:
        place = schema_and_name(warehouse, difference.table.name)
        ((oid, owner, user, comment),) = warehouse.query(TABLE, place)[1]
        columns = warehouse.query(COLUMNS, (oid,))[1]
        dependents = Dependents(warehouse.query, VIEWS, GRANTS)
        gone = tuple(f"({quote(name)})" for name in dropped)  # SELECT ("note")
        grants = [g for g in dependents.grants(*place) if not g.privilege.endswith(gone)]
        views, owner = dependents.views(int(oid)), "" if owner == user else str(owner)
        texts = owner, str(comment or "")
        return cls(warehouse, difference, dropped, int(oid), *texts, columns, views, grants)

    @property
    def loses_a_key(self) -> bool:
        """Whether the rows are spread or sorted by a column that goes."""
        _, key, order = arrangement(self.warehouse, self.difference.table.name, self.oid)
        return bool({key, *order} & {name.lower() for name in self.dropped})

    def statements(self, what: str) -> Transaction:
        """What makes the copy, and puts it in the place of the table.

        :raises StepError: the copy would lose something.
        """
        warehouse, name = self.warehouse, self.difference.table.name
        counts = any(str(default).startswith(COUNTER) for *_, default, _ in self.columns)
        if counts or warehouse.number(KEYS, (self.oid,)):
            raise StepError(
                f"the table {name} needs changes ({what}) that Redshift has for a copy alone; and "
                "it has keys, or a column that counts by itself, which a copy would not have",
                hint="copy it by hand, with all that it has, or declare the columns that it has",
            )
        schema, relation = schema_and_name(warehouse, name)
        copy, as_sql = f"etl_copy_{relation}"[:120], quote_table(name)
        new = f"{quote(schema)}.{quote(copy)}" if "." in name else quote(copy)
        listed = names([column for column, _ in self._kept])
        values = {c.name: c.conversion for c in self.difference.retyped if c.conversion}
        selected = ", ".join(
            values[column].value(quote(column)) if column in values else quote(column)
            for column, _ in self._kept
        )
        return (
            locking("LOCK", [lock_name(name)]),
            *warehouse.lock_limits(0),
            f"CREATE TABLE {new} ({', '.join(self._definitions())}){self._layout()}",
            f"INSERT INTO {new} ({listed}) SELECT {selected} FROM {as_sql}",
            *warehouse.lock_limits(warehouse.lock_seconds),
            *(view.drop for view in reversed(self.views)),
            f"DROP TABLE {as_sql}",
            f"ALTER TABLE {new} RENAME TO {quote(relation)}",
            *self._comments(as_sql),
            *(grant.statement(as_sql) for grant in self.grants),
            *(sql for view in self.views for sql in view.create(warehouse.text)),
            *([f"ALTER TABLE {as_sql} OWNER TO {quote(self.owner)}"] if self.owner else []),
        )

    @property
    def _kept(self) -> list[tuple[str, str]]:
        """The columns of the copy, by the names that they get, with the types that they had."""
        kept = self.difference.renamed_here.items()
        return [(name, type_) for name, type_ in kept if name not in self.dropped]

    def _definitions(self) -> Iterator[str]:
        changed = {c.name: c.column for c in self.difference.retyped}
        freed = {name for name in self.difference.required if name not in self.dropped}
        names_then = dict(self.difference.renamed)
        facts = {names_then.get(name, name): rest for name, *rest in self.columns}
        for name, type_ in self._kept:
            _, not_null, default, _ = facts[name]
            column = changed.get(name)
            yield (
                f"{quote(name)} {self.warehouse.type_written(column) if column else type_}"
                + (f" DEFAULT {default}" if default else "")
                + (" NOT NULL" if not_null and name not in freed else "")
            )

    def _comments(self, as_sql: str) -> Iterator[str]:
        text, names_then = self.warehouse.text, dict(self.difference.renamed)
        if self.comment:
            yield f"COMMENT ON TABLE {as_sql} IS {text(self.comment)}"
        for name, *_, comment in self.columns:
            if comment and name not in self.dropped:
                column = quote(names_then.get(name, name))
                yield f"COMMENT ON COLUMN {as_sql}.{column} IS {text(str(comment))}"

    def _layout(self) -> str:
        """The layout that the target names, and where it names none the one that the table has."""
        table, gone = self.difference.table, {name.lower() for name in self.dropped}
        style, key, order = arrangement(self.warehouse, table.name, self.oid)
        target, there = table.target, dict[str, Any]()
        if not (target.dist_key or target.dist_style):
            there["dist_key"] = key if key not in gone else None
            there["dist_style"] = style if not key and style in ("even", "all") else None
        if not target.sort_key:
            there["sort_key"] = [name for name in order if name not in gone]
        return self.warehouse.layout(target.model_copy(update=there))
