"""The grants of a database's user: on the tables that sources read and targets fill, only."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain

from etl_framework.connections.postgres import Postgres
from etl_framework.connections.redshift.connection import Redshift
from etl_framework.engines.base import engine_of
from etl_framework.iam.cluster import database_of, user_of
from etl_framework.iam.facts import Facts
from etl_framework.project.environments import Environment
from etl_framework.project.models import Pipeline
from etl_framework.sources.postgres.source import PostgresSource
from etl_framework.sql.quote import names, quote, quote_table, redshift_literal
from etl_framework.targets import files, history, ledger
from etl_framework.targets.publication import lock_name
from etl_framework.targets.target import Target

PUBLIC = "public"


@dataclass(frozen=True)
class Grants:
    """The statements that one connection's user needs; the owner of the tables runs them."""

    connection: str
    statements: tuple[str, ...]


def grants(
    facts: Facts, used: Environment, pipelines: Iterable[Pipeline], *, may_create: bool
) -> Iterator[Grants]:
    """The grants of every database that pipelines use, by its connection.

    :param may_create: runs create their tables and own them; else `etl ddl` has made them.
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
        loading = [p for p in pipelines if any(k.target in targets for k in p.kpis.values())]
        once = any(source.reads_once() for p in loading for source in p.sources.values())
        ours = [ledger.TABLE, *([files.TABLE] if once else [])]
        ours += [history.RUNS, history.CHECKS] if used.history_tables and targets else []
        user, database = _login(facts, name, connection)
        place = used.place_as_written
        home = place.home(PUBLIC) or PUBLIC if place.fixed else ""
        statements = [
            *_reading(user, [source for source in read if isinstance(source, PostgresSource)]),
            *_filling(user, database, targets, ours, may_create=may_create, home=home),
        ]
        if isinstance(connection, Redshift):
            unloads = any(map(engine_of(used).unloads, loading))
            statements += _cluster(facts, used, connection, user, targets, unloads=unloads)
        else:
            statements.insert(0, f"GRANT CONNECT ON DATABASE {database} TO {user}")
        yield Grants(name, tuple(statements))


def _login(facts: Facts, name: str, connection: Postgres | Redshift) -> tuple[str, str]:
    """User and database, quoted; no file knows those in a URL or a connection of Airflow."""
    if isinstance(connection, Redshift):
        user, database = user_of(facts, name, connection), database_of(facts, name, connection)
    else:
        user = facts.fact(f"{name}_user", f"The database user of '{name}'.")
        database = facts.fact(f"{name}_database", f"The database of '{name}'.")
    return quote(user), quote(database)


def _reading(user: str, sources: Iterable[PostgresSource]) -> Iterator[str]:
    """The grants for sources: their declared columns, or all if `where` may name others.

    For example: GRANT SELECT ("id", "name") ON TABLE "public"."customers" TO "etl"
    """
    columns: dict[str, set[str]] = defaultdict(set)
    whole = set()
    for source in sources:
        table = placed(source.table)
        columns[table].update(column.name for column in source.columns)
        columns[table].update([source.placed_by] if source.placed_by else [])
        whole |= {table} if source.where else set()
    yield from _usage(user, columns)
    for table, listed in sorted(columns.items()):
        some = "" if table in whole else f" ({names(sorted(listed))})"
        yield f"GRANT SELECT{some} ON TABLE {quote_table(table)} TO {user}"


def _filling(
    user: str,
    database: str,
    targets: list[Target],
    ledgers: list[str],
    *,
    may_create: bool,
    home: str,
) -> Iterator[str]:
    """The grants for targets, filled through temporary tables, for the ledger and for locks.

    For example: GRANT SELECT, INSERT, DELETE ON TABLE "public"."sales" TO "etl"

    :param home: the schema of the tables of ours; empty if nobody knows it before a run, which then
        makes it.
    """
    if not targets:
        return
    yield f"GRANT TEMPORARY ON DATABASE {database} TO {user}"
    if not home:
        yield f"GRANT CREATE ON DATABASE {database} TO {user}"
        return
    made = {placed(t.table) for t in targets if may_create and t.create}
    there = {placed(t.table) for t in targets} - made
    locked = [*(target.table for target in targets), *(t for t in ledgers if t == history.RUNS)]
    ours = [*ledgers, *map(lock_name, locked)]
    (made if made else there).update(placed(table, home) for table in ours)
    schemas = sorted({table.partition(".")[0] for table in made})
    if schemas not in ([], [PUBLIC]):  # CREATE SCHEMA IF NOT EXISTS always needs it
        yield f"GRANT CREATE ON DATABASE {database} TO {user}"
    for schema in schemas:
        if schema != PUBLIC:
            yield f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"
        yield f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {user}"
    yield from _usage(user, (t for t in there if t.partition(".")[0] not in schemas))
    for table in sorted(there):
        yield f"GRANT SELECT, INSERT, DELETE ON TABLE {quote_table(table)} TO {user}"


def _cluster(
    facts: Facts,
    used: Environment,
    connection: Redshift,
    user: str,
    targets: list[Target],
    *,
    unloads: bool,
) -> Iterator[str]:
    """Grants that only Redshift has: the role of COPY, and a schema for what is computed there."""
    schemas = engine_of(used).schemas(used, connection)
    for schema in schemas if used.place_as_written.fixed else ():
        yield f"CREATE SCHEMA IF NOT EXISTS {quote(schema)}"
        yield f"GRANT USAGE, CREATE ON SCHEMA {quote(schema)} TO {user}"
    if targets or schemas:
        role = facts.text(connection.iam_role)
        named = "default" if role == "default" else redshift_literal(role)
        yield f"GRANT ASSUMEROLE ON {named} TO {user} FOR COPY{', UNLOAD' if unloads else ''}"


def _usage(user: str, tables: Iterable[str]) -> Iterator[str]:
    for schema in sorted({table.partition(".")[0] for table in tables}):
        yield f"GRANT USAGE ON SCHEMA {quote(schema)} TO {user}"


def placed(table: str, home: str = PUBLIC) -> str:
    """The name of a table with its schema."""
    return table if "." in table else f"{home}.{table}"


def sql_of(all_grants: Iterable[Grants]) -> str:
    """All statements as one script for `psql` or the query editor."""
    parts = (
        [f"-- {grant.connection}", *(f"{sql};" for sql in grant.statements), ""]
        for grant in all_grants
    )
    return "\n".join(chain.from_iterable(parts))
