"""Rewrite a statement: PostgreSQL runs it in its own dialect, or it is executed here."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

from etl_framework.devstack import copy_options, ddl
from etl_framework.devstack.copy_command import run_copy
from etl_framework.devstack.objects import Objects
from etl_framework.devstack.session import Handled, Passed, Session, Work
from etl_framework.devstack.tokens import Statement, statements
from etl_framework.devstack.translate import translated
from etl_framework.devstack.unload_command import run_unload
from etl_framework.devstack.wire import WireError
from etl_framework.sql.quote import literal, quote

# Statements that PostgreSQL has and Redshift refuses: the first words, and Redshift's message.
REFUSED = {
    ("CREATE", "INDEX"): 'SQL command "CREATE INDEX" not supported on Redshift tables.',
    ("CREATE", "UNIQUE", "INDEX"): 'SQL command "CREATE INDEX" not supported.',
    ("CREATE", "TRIGGER"): 'SQL command "CREATE TRIGGER" not supported.',
    ("CREATE", "SEQUENCE"): 'SQL command "CREATE SEQUENCE" not supported.',
    ("CREATE", "DOMAIN"): 'SQL command "CREATE DOMAIN" not supported.',
    ("CREATE", "EXTENSION"): 'SQL command "CREATE EXTENSION" not supported.',
    ("SAVEPOINT",): 'SQL command "SAVEPOINT" not supported.',
    ("LISTEN",): "LISTEN is not supported.",
    ("DO",): 'syntax error at or near "DO"',
}
# Settings that Redshift has and PostgreSQL does not know.
SETTINGS = {
    "AUTOCOMMIT",
    "DATEFORMAT",
    "DESCRIBE_FIELD_NAME_IN_UPPERCASE",
    "ENABLE_CASE_SENSITIVE_IDENTIFIER",
    "ENABLE_RESULT_CACHE_FOR_SESSION",
    "ERROR_ON_NONDETERMINISTIC_UPDATE",
    "JSON_SERIALIZATION_ENABLE",
    "QUERY_GROUP",
    "SPECTRUM_QUERY_MAXERROR",
    "WLM_QUERY_SLOT_COUNT",
}
QUERIES = {"SELECT", "WITH", "INSERT", "UPDATE", "DELETE", "("}
MAX_BYTES = 16 << 20
# ALTER TABLE "t" ALTER COLUMN "c" TYPE varchar(9)
_WIDER = re.compile(
    r'ALTER\s+TABLE\s+(\S+)\s+ALTER\s+COLUMN\s+("(?:[^"]|"")+"|\w+)\s+TYPE\s+'
    r"(?:varchar|character\s+varying)\s*\((\d+)\)",
    re.IGNORECASE,
)
# ALTER TABLE "t" ALTER DISTKEY "c", ALTER DISTSTYLE ALL, ALTER SORTKEY ("a", "b")
_ARRANGED = re.compile(
    r"ALTER\s+TABLE\s+(\S+)\s+ALTER\s+(DISTKEY|DISTSTYLE|(?:COMPOUND\s+)?SORTKEY)\s+(.+)",
    re.IGNORECASE | re.DOTALL,
)
_TEMPORARY = re.compile(r"(?<![\w'\"])(#\w+)")


def split(sql: str) -> list[str]:
    """Return the statements of a text."""
    return [statement.sql for statement in statements(sql)]


def rewriter(objects: Objects) -> Callable[[str, Session], Work]:
    """Return the function that rewrites the statements of a session."""
    return partial(rewrite, objects=objects)


def rewrite(sql: str, session: Session, objects: Objects) -> Work:
    """Return what is to be done for one statement.

    :raises WireError: Redshift would refuse it.
    """
    if len(sql.encode()) > MAX_BYTES:
        raise WireError("Statement is too large. Statement size: more than 16 MB", "54000")
    parsed = statements(sql)
    if not parsed:
        return Passed(sql)
    statement = parsed[0]
    if any(word.upper.startswith("#") for word in statement.words):
        statement = statements(_TEMPORARY.sub(r'"\1"', statement.sql))[0]
    for words, message in REFUSED.items():
        if statement.starts(*words):
            raise WireError(message, "0A000")
    head = statement.words[0].upper
    if head == "COPY":
        return _copy(statement, objects)
    if head == "UNLOAD":
        transfer = copy_options.unload(statement)
        objects.allow(transfer)
        return Handled(lambda client_session: run_unload(transfer, client_session, objects))
    if head == "TRUNCATE":
        return Handled(partial(_truncate, sql))
    if head == "CREATE" and _makes_table(statement):
        return _create(statement, session)
    if wider := _WIDER.match(statement.sql):
        return Handled(partial(_widen, statement.sql, wider[1], wider[2], wider[3]))
    if arranged := _ARRANGED.match(statement.sql):
        return Handled(partial(_arrange, arranged[1], arranged[2], arranged[3]))
    if head == "SET" and statement.words[1].upper in SETTINGS:
        return Passed(f"SET redshift.{statement.sql[statement.words[1].start :]}")
    if head == "MERGE":
        return Passed(_merge(statement))
    if head in QUERIES:
        return Passed(_query(statement, session))
    return Passed(statement.sql)


def _copy(statement: Statement, objects: Objects) -> Handled:
    if any(word.upper in ("STDIN", "STDOUT") for word in statement.words):
        raise WireError("COPY from STDIN is not supported", "0A000")
    transfer = copy_options.copy(statement)
    objects.allow(transfer)
    return Handled(lambda session: run_copy(transfer, session, objects))


def _widen(sql: str, table: str, column: str, length: str, session: Session) -> str:
    """Widen a text, whose bytes a constraint of the stand-in counts."""
    session.ask(sql)
    name = column[1:-1].replace('""', '"') if column.startswith('"') else column.lower()
    former = session.ask(
        "SELECT conname FROM pg_constraint JOIN pg_attribute ON attrelid = conrelid "
        f"AND attnum = ANY(conkey) WHERE conrelid = to_regclass({literal(table)}) "
        f"AND conname LIKE 'etl_bytes_%' AND attname = {literal(name)}"
    )
    for (constraint,) in former:
        session.ask(f"ALTER TABLE {table} DROP CONSTRAINT {quote(str(constraint))}")
    session.ask(f"ALTER TABLE {table} ADD {ddl.bytes_checked(name, column, length)}")
    return "ALTER TABLE"


def _arrange(table: str, what: str, given: str, session: Session) -> str:
    """Change the layout of a table, which nothing but its attributes shows here."""
    named = [name.strip().strip('"') for name in given.strip("() \n").split(",")]
    kind = what.upper().split()[-1]
    if kind == "DISTSTYLE":
        column, value = "distkey = '', diststyle", named[0].upper()
    elif kind == "DISTKEY":
        column, value = "distkey", named[0]
    else:
        column, value = "sortkey", ",".join(named)
    there = session.ask(
        f"SELECT attname FROM pg_attribute WHERE attrelid = {literal(table)}::regclass"
    )
    missing = sorted(set(named) - {str(name) for (name,) in there})
    if missing and kind != "DISTSTYLE":
        raise WireError(f'column "{missing[0]}" does not exist', "42703")
    session.ask(
        f"UPDATE redshift.table_attributes SET {column} = {literal(value)} "
        f"WHERE table_id = {literal(table)}::regclass"
    )
    return "ALTER TABLE"


def _truncate(sql: str, session: Session) -> str:
    """Truncate the table and commit the open transaction, as Redshift does."""
    session.ask(sql)
    if session.status == b"T":
        session.ask("COMMIT")
    return "TRUNCATE TABLE"


def _makes_table(statement: Statement) -> bool:
    head = [word.upper for word in statement.words[1:4]]
    return "TABLE" in head and "EXTERNAL" not in head


def _create(statement: Statement, session: Session) -> Work:
    sql, attributes = ddl.create_table(statement)
    if any(word.upper == "AS" for word in statement.words):
        sql = translated(sql, session)
    name = statements(sql)[0]
    facts = (attributes.diststyle, attributes.distkey, ",".join(attributes.sortkey))

    def run(session: Session) -> str:
        session.ask(sql)
        table = _name_of(name)
        # INSERT INTO redshift.table_attributes SELECT oid, 'KEY', 'id', 'day'
        # FROM pg_class WHERE oid = to_regclass('music.plays') AND ...
        session.ask(
            "INSERT INTO redshift.table_attributes SELECT oid, "
            f"{', '.join(map(literal, facts))} FROM pg_class WHERE oid = to_regclass("
            f"{literal(table)}) AND relpersistence = 'p' "
            "AND oid NOT IN (SELECT table_id FROM redshift.table_attributes)"
        )
        return "CREATE TABLE"

    return Handled(run)


def _name_of(statement: Statement) -> str:
    place = next(i for i, word in enumerate(statement.words) if word.upper == "TABLE") + 1
    if statement.words[place].upper == "IF":
        place += 3
    end = place + 1
    while end < len(statement.words) and "." in (
        statement.words[end].text,
        statement.words[end - 1].text,
    ):
        end += 1
    return statement.between(place, end)


def _merge(statement: Statement) -> str:
    words = statement.words
    using = next((i for i, word in enumerate(words) if word.upper == "USING"), 0)
    target = [word for word in words[2:using] if word.text != "."]
    if len(target) > 2 or any(word.upper == "AS" for word in target):
        raise WireError("the target table of MERGE cannot have an alias", "42601")
    if words[-1].upper == "DUPLICATES":
        raise WireError("MERGE ... REMOVE DUPLICATES is not imitated", "0A000")
    return statement.sql


def _query(statement: Statement, session: Session) -> str:
    uppers = [word.upper for word in statement.words]
    for place, word in enumerate(uppers):
        if word == "RETURNING" or uppers[place : place + 2] == ["ON", "CONFLICT"]:
            raise WireError(f'syntax error at or near "{statement.words[place].text}"', "42601")
    return translated(statement.sql, session)
