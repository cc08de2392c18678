"""A text that stays the same as long as a table's rows do; none where nothing proves that.

The snapshot of transactions tells what is committed, on one server since it was started. Rows that
depend on more than commits have no proof: on the time, on another server, on who asks.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from etl_framework.sql.quote import quote_table

if TYPE_CHECKING:
    from psycopg2.extensions import cursor as Cursor

# Objects of users have numbers from here on.
OF_USERS = 16384
# Functions with the volatility "stable" that say something of the moment, the session or the user.
OF_THE_MOMENT = (
    "now|transaction_timestamp|statement_timestamp|age|version|lastval|currval|row_security_active|"
    "current_.*|session_user|system_user|getpgusername|inet_.*|txid_.*|pg_.*|has_.*|to_reg.*|"
    "(query|table|schema|database|cursor)_to_xml.*|col_description|obj_description|"
    "shobj_description|format_type"
)
# What has no function in the text of a `where`, and depends on the moment or on the user.
WORDS = re.compile(
    r"\b(current_\w+|localtime|localtimestamp|user|session_user|system_user|select|table|with)\b"
    r"|'\s*(now|today|tomorrow|yesterday)\b",
    re.IGNORECASE,
)
# The tables that a relation is made of: those of a view, partitions, and tables that inherit.
RELATIONS = """
WITH RECURSIVE relations AS (
    SELECT to_regclass(%(table)s)::oid AS id
    UNION
    SELECT below FROM relations CROSS JOIN LATERAL (
        SELECT inhrelid FROM pg_inherits WHERE inhparent = id
        UNION ALL
        SELECT refobjid FROM pg_rewrite AS r JOIN pg_depend AS d
        ON d.classid = 'pg_rewrite'::regclass AND d.objid = r.oid
        AND d.refclassid = 'pg_class'::regclass
        WHERE r.ev_class = id AND r.rulename = '_RETURN'
            AND (SELECT relkind FROM pg_class AS v WHERE v.oid = id) = 'v'
    ) AS inner_relations (below)
)
"""
# The rule of a view has the numbers of functions and operators, `:funcid 1299`; what is neither has
# the name of a node. In a `where`, what is no column may be the name of a function.
ASKED = f"""
{RELATIONS}, views AS (
    SELECT ev_action::text AS rule FROM relations
    JOIN pg_class AS c ON c.oid = id AND relkind = 'v'
    JOIN pg_rewrite ON ev_class = id AND rulename = '_RETURN'
), called AS (
    SELECT (regexp_matches(rule, ':(?:func|aggfno|winfno|opfunc)id (\\d+)', 'g'))[1]::oid AS id
    FROM views
    UNION SELECT oprcode FROM views
    CROSS JOIN LATERAL regexp_matches(rule, ':opno (\\d+)', 'g') AS found
    JOIN pg_operator AS o ON o.oid = found[1]::oid
    UNION SELECT oprcode FROM pg_operator
    WHERE oid >= {OF_USERS} AND position(oprname IN %(where)s) > 0
    UNION SELECT oid FROM pg_proc WHERE proname = ANY (%(called)s)
    OR proname = ANY (%(words)s) AND proname NOT IN (
        SELECT attname FROM pg_attribute WHERE attrelid = to_regclass(%(table)s))
)
SELECT
    EXISTS (SELECT 1 FROM relations JOIN pg_class AS c ON c.oid = id
            WHERE relkind NOT IN ('r', 'p', 'v', 'm') OR row_security_active(c.oid))
    OR EXISTS (SELECT 1 FROM views WHERE rule ~ '(SQLVALUEFUNCTION|TABLESAMPLECLAUSE)'
               -- a text as a date or time may be 'now'
               OR rule ~ 'COERCEVIAIO.*:resulttype (1082|1083|1114|1184|1266) ')
    OR EXISTS (SELECT 1 FROM called JOIN pg_proc AS p ON p.oid = called.id
               WHERE provolatile = 'v' OR provolatile = 's'
               AND (p.oid >= {OF_USERS} OR proname ~ %(moment)s))
"""
# Of a server on this machine, which may be started for every run, the folder tells enough.
SERVER = """
SELECT current_database(), current_user, inet_server_addr(), inet_server_port(),
    CASE WHEN inet_server_addr() IS NOT NULL THEN pg_postmaster_start_time() END,
    pg_is_in_recovery(), txid_current_snapshot()::text
"""
# Not every service lets everybody ask.
MAY_ASK = """
SELECT has_function_privilege('pg_control_system()', 'EXECUTE')
    AND has_function_privilege('pg_control_checkpoint()', 'EXECUTE')
"""
CONTROL = """
SELECT system_identifier::text, timeline_id FROM pg_control_system(), pg_control_checkpoint()
"""


def proof(cursor: Cursor, table: str, where: str | None) -> str | None:
    """Return a text that changes when the rows of a table may have changed; None if none does.

    :param where: the condition that the rows meet.
    """
    if where and WORDS.search(where):
        return None
    text = (where or "").lower()
    asked = {
        "table": quote_table(table),
        "where": text,
        "words": re.findall(r"\w+", text),
        "called": re.findall(r"(\w+)\"?\s*\(", text),
        "moment": f"^({OF_THE_MOMENT})$",
    }
    cursor.execute(ASKED, asked)
    if cursor.fetchone() != (False,):
        return None
    return " ".join(map(str, _server(cursor)))


def _server(cursor: Cursor) -> tuple[object, ...]:
    """Which server it is, since when it runs, and what is committed there.

    A restored copy of a server has its identifier, and may have its timeline: it has another
    address, or was started at another time.
    """
    from psycopg2 import Error

    identity: tuple[object, ...] = ()
    try:
        cursor.execute(MAY_ASK)
        if cursor.fetchone() == (True,):
            cursor.execute(CONTROL)
            identity = cursor.fetchone() or ()
    except Error:  # some services have these functions and refuse all callers
        cursor.connection.rollback()
    cursor.execute(SERVER)
    connected = cursor.connection.info
    return (connected.host, connected.port, *identity, *(cursor.fetchone() or ()))
