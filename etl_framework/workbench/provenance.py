"""Find the rows that rows of a relation are made from, back through every query to the sources.

A query gives an output row from each combination of input rows that its joins and conditions let
through; a grouped one from all combinations with the values of its group. These are the rows that
an output row is made from (its why-provenance; Cui, Widom, Wiener: "Tracing the lineage of view
data", 2000). Rows that only a window, LIMIT or a query within an expression looks at are not among
them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from etl_framework.errors import StepError
from etl_framework.sql.quote import names, quote
from etl_framework.workbench.sandbox import Sandbox

if TYPE_CHECKING:
    import duckdb
    from sqlglot import exp

# The column that tells apart what rows are traced for.
GROUP = "etl_group"


@dataclass
class Part:
    """A relation, or a query within its SQL, whose rows are in a table.

    :param name: `plays`, or `kpis_genre.ranked` for a query within that of a KPI; empty for one
        that has no name.
    :param table: the table, as SQL.
    :param query: the query over the tables of `inputs`; None if the rows are given, or if a Python
        function has made them.
    :param inputs: the parts that its FROM and joins read, with the names that it has for them; None
        for what is read by no name of its own, as in UNION.
    :param columns: the types of its columns.
    :param chosen: the tables of numbers of the rows that are looked for.
    """

    name: str
    table: str
    query: exp.Query | None = None
    inputs: list[tuple[str, Part]] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    chosen: list[str] = field(default_factory=list)


class Provenance:
    """Traces rows through the queries of a sandbox, which keeps the tables of its relations."""

    def __init__(self, session: duckdb.DuckDBPyConnection, sandbox: Sandbox, schema: str) -> None:
        self._session = session
        self._sandbox = sandbox
        self._schema = schema
        self._number = 0
        # In the order in which they are computed.
        self._parts: dict[str, Part] = {}
        # For what is made on the way: tables of queries within others, and numbers of rows.
        self._within = quote(f"within_{schema}")
        session.execute(f"CREATE SCHEMA {self._within}")

    def trace(
        self, relation: str, condition: str, group: str = "''"
    ) -> Iterator[tuple[Part, int, int]]:
        """Yield the parts that a relation is computed from, the last one first.

        With each come the number of its rows, and how many of them are in what is traced.

        :param condition: of the relation's rows, as SQL.
        :param group: a text of each of these rows, as SQL, which tells apart what is traced.
        :raises StepError: the SQL fails, or it is of a kind that cannot be traced.
        """
        import duckdb
        from sqlglot.errors import SqlglotError

        try:
            part = self.part(relation)
            asked = f"SELECT rowid AS n, {group} AS g FROM {part.table} WHERE {condition}"
            self._add(part, asked)
            for part in reversed(self._parts.values()):
                self._descend(part)
                yield part, self._count(part.table), sum(self.counts(part).values())
        except (duckdb.Error, SqlglotError) as error:
            raise StepError(f"{relation} cannot be traced: {str(error).splitlines()[0]}") from error

    def part(self, relation: str) -> Part:
        """The part of a relation, with those that it is computed from."""
        if relation not in self._parts:
            self._sandbox.make(relation)
            part = Part(relation, self._sandbox.table(relation))
            if sql := self._sandbox.queries.get(relation):
                part = self._laid(self._parsed(sql), {}, relation, relation, part.table)
            part.columns = self._columns(part.table)
            self._parts[relation] = part
        return self._parts[relation]

    def chosen(self, part: Part) -> str:
        """A query for the numbers of the rows of a part that are in what is traced."""
        some = [f"SELECT n FROM {table}" for table in part.chosen]
        return " UNION ".join(some) or "SELECT 0 AS n LIMIT 0"

    def rows(self, part: Part) -> str:
        """A query for the rows of a part that are in what is traced."""
        return f"SELECT * FROM {part.table} WHERE rowid IN ({self.chosen(part)})"

    def counts(self, part: Part) -> dict[str, int]:
        """How many rows of a part are in what is traced, by group."""
        sql = f"SELECT g, COUNT(*) FROM ({self.groups(part)}) GROUP BY g"
        return {str(group): int(count) for group, count in self._session.execute(sql).fetchall()}

    def groups(self, part: Part) -> str:
        """A query for the numbers of the rows of a part that are in what is traced, with groups."""
        some = [f"SELECT n, g FROM {table}" for table in part.chosen]
        return " UNION ".join(some) or "SELECT 0 AS n, '' AS g LIMIT 0"

    def _count(self, table: str) -> int:
        found = self._session.execute(f"SELECT COUNT(*) FROM {table}").fetchone()
        return int(found[0]) if found else 0

    def _parsed(self, sql: str) -> exp.Query:
        """The query, with the table of every column and the columns of every star."""
        import sqlglot
        from sqlglot import exp
        from sqlglot.optimizer.qualify import qualify

        tree = sqlglot.parse_one(sql, read="duckdb")
        schema: dict[str, object] = {}
        for table in tree.find_all(exp.Table):
            if table.db == self._schema:
                table.set("db", None)
        for name in dict.fromkeys(table.name for table in tree.find_all(exp.Table)):
            if self._columns(self._sandbox.table(name)):
                schema[name] = self.part(name).columns
        query = qualify(tree, schema=schema, dialect="duckdb")
        if not isinstance(query, exp.Query):
            raise StepError("it is no SELECT")
        return query

    def _columns(self, table: str) -> dict[str, str]:
        import duckdb

        try:
            return {str(row[0]): str(row[1]) for row in self._rows(f"DESCRIBE {table}")}
        except duckdb.CatalogException:  # the name of a query within this one
            return {}

    def _rows(self, sql: str) -> list[tuple[object, ...]]:
        return self._session.execute(sql).fetchall()

    def _laid(
        self, query: exp.Query, known: Mapping[str, Part], within: str, name: str, table: str = ""
    ) -> Part:
        """The part of a query, after the parts of the queries within it.

        :param known: the parts that it knows by name.
        :param within: the relation that it belongs to.
        :param table: where its rows are, if they have been computed.
        """
        from sqlglot import exp

        query, known = query.copy(), dict(known)
        if with_ := query.args.get("with_"):
            if with_.recursive:
                raise StepError("a recursive query cannot be traced")
            for cte in with_.expressions:
                known[cte.alias] = self._laid(cte.this, known, within, f"{within}.{cte.alias}")
            query.set("with_", None)
        while isinstance(query, exp.Subquery) and not query.args.get("joins"):
            query = query.this
        part = Part(name, table, query)
        if isinstance(query, exp.SetOperation):
            for side in ("left", "right"):
                read = self._laid(getattr(query, side), known, within, "")
                part.inputs.append(("", read))
                query.set("this" if side == "left" else "expression", _all_of(read))
        elif isinstance(query, exp.Select):
            part.inputs += self._read(query, known, within)
        else:
            raise StepError(f"{type(query).__name__.upper()} cannot be traced")
        self._replace_names(query, known)
        if not table:
            part.table = self._made(query.sql("duckdb"))
            part.columns = self._columns(part.table)
            self._parts[part.table] = part
        return part

    def _read(
        self, query: exp.Select, known: Mapping[str, Part], within: str
    ) -> Iterator[tuple[str, Part]]:
        """Put tables in the place of what FROM and joins read, and yield their parts."""
        from sqlglot import exp

        start = query.args.get("from_")
        for read in [start, *query.args.get("joins", [])] if start else []:
            source = read.this
            if isinstance(source, exp.Subquery):
                part = self._laid(source.this, known, within, "")
            elif isinstance(source, exp.Table) and isinstance(source.this, exp.Identifier):
                part = known.get(source.name) or self.part(source.name)
            else:
                continue  # VALUES, UNNEST and the like: rows of no relation
            alias = source.alias_or_name
            read.set("this", exp.alias_(exp.maybe_parse(part.table, into=exp.Table), alias))
            yield alias, part

    def _replace_names(self, query: exp.Query, known: Mapping[str, Part]) -> None:
        """Let queries within expressions read the tables, too."""
        from sqlglot import exp

        own = {cte.alias for cte in query.find_all(exp.CTE)}
        for table in list(query.find_all(exp.Table)):
            if table.db or table.name in own or not isinstance(table.this, exp.Identifier):
                continue
            part = known.get(table.name) or self._parts.get(table.name)
            if part:
                there = exp.maybe_parse(part.table, into=exp.Table)
                table.replace(exp.alias_(there, table.alias_or_name))

    def _descend(self, part: Part) -> None:
        """Choose the rows of the inputs that the chosen rows of a part are made from."""
        from sqlglot import exp

        if part.query is None or not part.chosen:
            return
        # The rows with their groups: SELECT t.*, c.g AS etl_group FROM ... AS t JOIN ... AS c ...
        chosen = (
            f"SELECT t.*, c.g AS {GROUP} FROM {part.table} AS t "
            f"JOIN ({self.groups(part)}) AS c ON c.n = t.rowid"
        )
        if isinstance(part.query, exp.SetOperation):
            for _, read in part.inputs:
                same = _same(zip(read.columns, part.columns, strict=True))
                self._add(
                    read,
                    f"SELECT DISTINCT made.rowid AS n, s.{GROUP} AS g FROM {read.table} AS made "
                    f"JOIN (SELECT DISTINCT * FROM ({chosen})) AS s ON {same}",
                )
            return
        made = self._made(_combinations(part, chosen))
        for number, (_, read) in enumerate(part.inputs):
            self._add(read, f"SELECT DISTINCT n{number} AS n, g FROM {made} WHERE n IS NOT NULL")

    def _add(self, part: Part, numbers: str) -> None:
        part.chosen.append(self._made(numbers))

    def _made(self, sql: str) -> str:
        """The name of a table that a query's rows are put into."""
        self._number += 1
        table = f"{self._within}.t{self._number}"
        self._session.execute(f"SET schema = {quote(self._schema)}")
        self._session.execute(f"CREATE TABLE {table} AS {sql}")
        return table


def _combinations(part: Part, chosen: str) -> str:
    """A query for the combinations of input rows that chosen rows are made from.

    For one row a genre, chosen where the genre is Pop:

        SELECT n0, n1, s.etl_group AS g FROM (
            SELECT p.rowid AS n0, t.rowid AS n1, t.genre AS k0
            FROM plays AS p JOIN tracks AS t ON t.track_id = p.track_id
        ) AS made JOIN (SELECT DISTINCT genre, etl_group FROM chosen) AS s
        ON made.k0 IS NOT DISTINCT FROM s.genre
    """
    from sqlglot import exp

    assert isinstance(part.query, exp.Select)
    of_rows = [
        (made.unalias(), column)
        for made, column in zip(part.query.expressions, part.columns, strict=True)
        if not made.find(exp.AggFunc, exp.Window, exp.Query)
    ]
    numbers = [f"{quote(alias)}.rowid AS n{n}" for n, (alias, _) in enumerate(part.inputs)]
    keys = [f"{made.sql('duckdb')} AS k{n}" for n, (made, _) in enumerate(of_rows)]
    plain = exp.Select(
        **{name: part.query.args.get(name) for name in ("from_", "joins", "where", "laterals")}
    ).copy()
    plain = plain.select(*numbers, *keys, dialect="duckdb")
    on = _same((f"k{n}", column) for n, (_, column) in enumerate(of_rows))
    listed = "".join(f"n{n}, " for n in range(len(part.inputs)))
    columns = names([*(column for _, column in of_rows), GROUP])
    return (
        f"SELECT {listed}s.{GROUP} AS g FROM ({plain.sql('duckdb')}) AS made "
        f"JOIN (SELECT DISTINCT {columns} FROM ({chosen})) AS s ON {on}"
    )


def _same(columns: Iterator[tuple[str, str]] | zip[tuple[str, str]]) -> str:
    """The condition that a row of `made` has the values of a row of `s`."""
    pairs = [f"made.{quote(one)} IS NOT DISTINCT FROM s.{quote(two)}" for one, two in columns]
    return " AND ".join(pairs) or "true"


def _all_of(part: Part) -> exp.Select:
    from sqlglot import exp

    return exp.select("*").from_(part.table, dialect="duckdb")
