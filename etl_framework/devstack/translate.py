"""Translate queries from Redshift's dialect to PostgreSQL's, where the two differ."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING

from etl_framework.devstack.session import Session
from etl_framework.devstack.to_postgres import to_postgres
from etl_framework.devstack.wire import WireError
from etl_framework.errors import PlanError
from etl_framework.sql.limits import refuse_what_redshift_refuses
from etl_framework.sql.parser import statements
from etl_framework.sql.quote import literal
from etl_framework.sql.types import types_told

if TYPE_CHECKING:
    from sqlglot import exp

# Words that PostgreSQL does not know, or knows with another meaning.
_OTHER = re.compile(
    r"\b(DATE_?ADD|DATE_?DIFF|DATE_TRUNC|DATE_PART(?:_YEAR)?|EXTRACT|ADD_MONTHS|LAST_DAY"
    r"|MONTHS_BETWEEN|NEXT_DAY|GETDATE|SYSDATE|CONVERT_TIMEZONE|TRUNC|ROUND|AVG|NVL2?|DECODE"
    r"|LISTAGG|MEDIAN|QUALIFY|LEN|CHARINDEX|STRPOS|CONCAT|REGEXP_\w+|SIMILAR|JSON_\w+|IS_VALID_JSON|RATIO_TO_REPORT|IGNORE|MINUS|TOP|BTRIM"
    r"|OCTET_LENGTH|OCTETINDEX|VARCHAR|DECIMAL|NUMERIC|OVER|EXISTS|APPROXIMATE|PGDATE_PART|\w+_CMP|BPCHARCMP|GROUPING_ID"
    r"|CAN_JSON_PARSE|IS_VALID_JSON_ARRAY|SHA2|STRTOL|CONVERT|LPAD|RPAD|REPEAT|REPLICATE"
    r"|SUBSTRING|SUBSTR|REVERSE|TO_CHAR|TEXTLEN)\b|\bAS\s+(\w+)\b.*(?:,|\bWHERE\b).*\b\2\b",
    re.IGNORECASE | re.DOTALL,
)


def translated(sql: str, session: Session) -> str:
    """Return a query, or a statement that contains one, in PostgreSQL's dialect.

    A text that cannot be parsed is returned unchanged: PostgreSQL will report what is wrong.

    :param session: used to look up the columns of tables.
    :raises WireError: Redshift would refuse it.
    """
    import sqlglot
    from sqlglot import exp

    if not _OTHER.search(sql) or re.search(r"(?i)\b(pg_|information_schema)", sql):
        return sql
    try:
        (tree,) = statements(sql)
        if isinstance(tree, exp.Command) or tree is None:
            return sql
        query = tree if isinstance(tree, exp.Query) else tree.args.get("expression")
        if isinstance(query, exp.Query):
            known = _known(query, session)
            if query is tree:
                tree = known
            else:
                query.replace(known)
        for node in reversed(list(tree.walk())):  # inner nodes first
            to_postgres(node)
        for text in tree.find_all(exp.Literal):
            if text.is_string:  # the server reads backslashes as Redshift does
                text.set("this", text.name.replace("\\", "\\\\"))
        return tree.sql("postgres", identify="safe")
    except PlanError as error:
        raise WireError(error.diagnostics[0].message, "0A000") from error
    except (sqlglot.errors.SqlglotError, RecursionError, ValueError):
        return sql


def _known(query: exp.Query, session: Session) -> exp.Expr:
    """Return the query with its names resolved and its types annotated, as far as possible."""
    import sqlglot
    from sqlglot import exp
    from sqlglot.optimizer.annotate_types import annotate_types
    from sqlglot.optimizer.qualify import qualify

    def qualified(schema: dict[str, object], *, stars: bool = False) -> exp.Expr:
        copy = query.copy()
        for name in copy.find_all(exp.Identifier):
            if name.quoted:  # as the server behind has it
                name.meta["case_sensitive"] = True
        return qualify(
            copy,
            dialect="redshift",
            schema=schema,
            quote_identifiers=False,
            identify=False,
            expand_stars=stars,
            validate_qualify_columns=False,
        )

    numbered, resolved = _numbers_columns_of_a_star(query), None
    if not numbered:
        with suppress(sqlglot.errors.OptimizeError):
            resolved = qualified({})
    if resolved is None:
        # A name may be an alias of the same SELECT or a column: look the columns up.
        tables = {
            table.name: _columns(session, table.sql("postgres").partition(" AS ")[0])
            for table in query.find_all(exp.Table)
        }
        resolved = qualified(
            {name: dict.fromkeys(listed, "unknown") for name, listed in tables.items() if listed},
            stars=numbered,
        )
    resolved = annotate_types(resolved, {}, types_told(), dialect="redshift")
    refuse_what_redshift_refuses(resolved)
    return resolved


def _numbers_columns_of_a_star(query: exp.Query) -> bool:
    """Return whether ORDER BY 2 or GROUP BY 2 may mean a column of `SELECT *`."""
    from sqlglot import exp

    for select in query.find_all(exp.Select):
        parts = [select.args[part] for part in ("order", "group") if select.args.get(part)]
        keys = [
            key.this if isinstance(key, exp.Ordered) else key
            for p in parts
            for key in p.expressions
        ]
        if any(key.is_int for key in keys) and any(item.is_star for item in select.selects):
            return True
    return False


def _columns(session: Session, table: str) -> list[str]:
    rows = session.ask(
        f"SELECT attname FROM pg_attribute WHERE attrelid = to_regclass({literal(table)}) "
        "AND attnum > 0 AND NOT attisdropped ORDER BY attnum"
    )
    return [str(name) for (name,) in rows]
