"""What a database grants its user: the tables that sources read and targets fill, and no others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from etl_framework import ledger
from etl_framework.config.environments import Environment
from etl_framework.config.models import Pipeline
from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift import Redshift
from etl_framework.engines.base import engine_of
from etl_framework.iam.cluster import database_of, user_of
from etl_framework.iam.facts import Facts
from etl_framework.sources.postgres import PostgresSource
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.targets.target import Target

PUBLIC = "public"


@dataclass(frozen=True)
class Grants:
    """The statements that one connection's user needs, run by the owner of the tables."""

    connection: str
    statements: tuple[str, ...]


def grants(
    facts: Facts, used: Environment, pipelines: Iterable[Pipeline], *, may_create: bool
) -> Iterator[Grants]:
    """The grants of each database that pipelines use, by its connection.

    :param may_create: runs make their tables, and own them; else they are there (`etl ddl`).
    """
    pipelines = list(pipelines)
    for name, connection in sorted(used.connections.items()):
        if not isinstance(connection, Postgres | Redshift) or getattr(connection, "embedded", None):
            continue
        read = [s for p in pipelines for s in p.sources.values() if s.connection == name]
        targets = [
            k.target for p in pipelines for k in p.kpis.values() if k.target.connection == name
        ]
        if not (read or targets):
            continue
        user, database = _login(facts, name, connection)
        found = [
            *_reading(user, [each for each in read if isinstance(each, PostgresSource)]),
            *_filling(user, database, targets, may_create=may_create),
        ]
        if isinstance(connection, Redshift):
            found += _cluster(facts, used, connection, user, targets)
        else:
            found.insert(0, f"GRANT CONNECT ON DATABASE {database} TO {user}")
        yield Grants(name, tuple(found))


def _login(facts: Facts, name: str, connection: Postgres | Redshift) -> tuple[str, str]:
    """User and database, quoted; of a URL or a connection of Airflow no file knows them."""
    if isinstance(connection, Redshift):
        user, database = user_of(facts, name, connection), database_of(facts, name, connection)
    else:
        user = facts.fact(f"{name}_user", f"The database user of '{name}'.")
        database = facts.fact(f"{name}_database", f"The database of '{name}'.")
    return quote(user), quote(database)


def _reading(user: str, sources: Iterable[PostgresSource]) -> Iterator[str]:
    """By column: a column that is not declared stays closed. SQL in `where` may name any."""
    columns: dict[str, set[str]] = defaultdict(set)
    whole = set()
    for source in sources:
        table = placed(source.table)
        columns[table].update(column.name for column in source.columns)
        columns[table].update([source.incremental_key] if source.incremental_key else [])
        whole |= {table} if source.where else set()
    yield from _usage(user, columns)
    for table, listed in sorted(columns.items()):
        some = "" if table in whole else f" ({names(sorted(listed))})"
        yield f"GRANT SELECT{some} ON TABLE {quote_table(table)} TO {user}"


def _filling(user: str, database: str, targets: list[Target], *, may_create: bool) -> Iterator[str]:
    """Rows come through a temporary table; the ledger changes with the targets."""
    if not targets:
        return
    yield f"GRANT TEMPORARY ON DATABASE {database} TO {user}"
    made = {placed(t.table) for t in targets if may_create and t.create}
    there = {placed(t.table) for t in targets} - made
    (made if made else there).add(placed(ledger.TABLE))
    schemas = sorted({table.partition(".")[0] for table in made})
    if schemas not in ([], [PUBLIC]):  # CREATE SCHEMA IF NOT EXISTS asks for it first
        yield f"GRANT CREATE ON DATABASE {database} TO {user}"
    for schema in schemas:
        if schema != PUBLIC:
            yield f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"
        yield f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {user}"
    yield from _usage(user, (t for t in there if t.partition(".")[0] not in schemas))
    for table in sorted(there):
        yield f"GRANT SELECT, INSERT, DELETE ON TABLE {quote_table(table)} TO {user}"


def _cluster(
    facts: Facts, used: Environment, connection: Redshift, user: str, targets: list[Target]
) -> Iterator[str]:
    """What Redshift has besides: the role of COPY, and a schema for what is computed there."""
    schemas = engine_of(used).schemas(used, connection)
    for schema in schemas:
        yield f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"
        yield f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {user}"
    if targets or schemas:
        role = facts.text(connection.iam_role)
        named = "default" if role == "default" else redshift_literal(role)
        yield f"GRANT ASSUMEROLE ON {named} TO {user} FOR COPY"


def _usage(user: str, tables: Iterable[str]) -> Iterator[str]:
    for schema in sorted({table.partition(".")[0] for table in tables}):
        yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {user}"


def placed(table: str) -> str:
    """A table with its schema."""
    return table if "." in table else f"{PUBLIC}.{table}"


def sql_of(found: Iterable[Grants]) -> str:
    """All statements, for `psql` and the query editor."""
    parts = (
        [f"-- {each.connection}", *(f"{sql};" for sql in each.statements), ""] for each in found
    )
    return "\n".join(chain.from_iterable(parts))
