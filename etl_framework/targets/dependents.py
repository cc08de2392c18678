"""What depends on a table and is lost with it: views that read it, and who may use it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

from etl_framework.sql.quote import literal, quote

# SELECT for a query and its values.
Query = Callable[[str, Sequence[Any]], tuple[list[str], list[tuple[Any, ...]]]]
# Views that read a table, each with the number of a column that it reads.
NAMING = """
SELECT DISTINCT d.refobjsubid, n.nspname, v.relname FROM pg_depend AS d
JOIN pg_rewrite AS r ON r.oid = d.objid JOIN pg_class AS v ON v.oid = r.ev_class
JOIN pg_namespace AS n ON n.oid = v.relnamespace
WHERE d.refobjid = ? AND v.oid <> d.refobjid
"""


def naming(query: Query, table: int, columns: Collection[int]) -> list[str]:
    """The views of every kind that read columns of a table, by schema and name.

    :param table: its identifier.
    :param columns: the numbers of the columns.
    """
    rows = query(NAMING, (table,))[1]
    return sorted({f"{schema}.{name}" for number, schema, name in rows if int(number) in columns})


@dataclass(frozen=True)
class Grant:
    """A right on a table or view.

    :param to: a user, or `GROUP` or `ROLE` with a name, or `PUBLIC`.
    """

    privilege: str
    to: str
    grantable: bool

    @classmethod
    def of(cls, privilege: str, kind: str, name: str, *, grantable: bool) -> Grant:
        """The right as a catalogue tells it.

        :param kind: `user`, `group`, `role` or `public`.
        """
        word = f"{kind.upper()} " if kind in ("group", "role") else ""
        return cls(privilege, "PUBLIC" if kind == "public" else word + quote(name), grantable)

    def statement(self, on: str) -> str:
        """The statement that gives the right; `on` is the name as SQL."""
        more = " WITH GRANT OPTION" if self.grantable else ""
        return f"GRANT {self.privilege} ON {on} TO {self.to}{more}"


@dataclass(frozen=True)
class View:
    """A view, with what makes it again.

    :param name: its schema and name as SQL.
    :param options: what stands in `WITH (…)`, such as `security_barrier=true`.
    :param owner: who owns it, if that is not the user who drops it.
    """

    name: str
    definition: str
    options: str
    owner: str
    comment: str
    grants: tuple[Grant, ...]

    @property
    def drop(self) -> str:
        """The statement that drops it."""
        return f"DROP VIEW {self.name}"

    def create(self, text: Callable[[str], str] = literal) -> list[str]:
        """The statements that make it again.

        :param text: writes a text as a literal.
        """
        options = f" WITH ({self.options})" if self.options else ""
        return [
            f"CREATE VIEW {self.name}{options} AS {self.definition.rstrip().rstrip(';')}",
            *([f"COMMENT ON VIEW {self.name} IS {text(self.comment)}"] if self.comment else []),
            *(grant.statement(self.name) for grant in self.grants),
            *([f"ALTER TABLE {self.name} OWNER TO {quote(self.owner)}"] if self.owner else []),
        ]


@dataclass(frozen=True)
class Dependents:
    """Asks a catalogue for what depends on a table.

    :param views_sql: gives for the identifier of a table the views that read it: identifier, number
        of the column that is read (0 for none), schema, name, definition, options, owner, comment.
    :param grants_sql: gives for schema and name: privilege, kind of identity, its name, grantable.
    """

    query: Query
    views_sql: str
    grants_sql: str

    def views(self, table: int, columns: Collection[int] = ()) -> list[View]:
        """The views that read a table, each behind those that it reads itself.

        :param table: its identifier.
        :param columns: the numbers of the columns that they must read; any if not given.
        """
        found: dict[int, View] = {}
        self._collect(table, set(columns), found)
        return list(found.values())

    def _collect(self, table: int, columns: set[int], found: dict[int, View]) -> None:
        rows = self.query(self.views_sql, (table,))[1]
        readers = {int(row[0]): row for row in rows if not columns or int(row[1]) in columns}
        for view, row in readers.items():
            schema, name, definition, options, owner, comment = map(_text, row[2:])
            found.pop(view, None)  # behind all that it reads
            as_sql, grants = f"{quote(schema)}.{quote(name)}", self.grants(schema, name)
            found[view] = View(as_sql, definition, options, owner, comment, grants)
            self._collect(view, set(), found)

    def grants(self, schema: str, name: str) -> tuple[Grant, ...]:
        """The rights on a table or view that others than its owner have."""
        rows = self.query(self.grants_sql, (schema, name))[1]
        return tuple(
            Grant.of(_text(privilege), _text(kind), _text(to), grantable=bool(grantable))
            for privilege, kind, to, grantable in rows
        )


def _text(value: Any) -> str:
    return "" if value is None else str(value)
