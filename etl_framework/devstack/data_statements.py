"""Statements of the Data API: each request runs in a thread, and has an id to ask for it."""

from __future__ import annotations

import re
import threading
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from time import monotonic
from typing import Any

MAX_STATEMENTS, MAX_TEXT = 40, 100_000
# The API's names of types, by the numbers that PostgreSQL has for them.
TYPES = {
    16: "bool",
    20: "int8",
    21: "int2",
    23: "int4",
    700: "float4",
    701: "float8",
    1082: "date",
    1083: "time",
    1114: "timestamp",
    1184: "timestamptz",
    1700: "numeric",
}
Body = Mapping[str, Any]


class ApiError(Exception):
    """The API refuses a request."""

    def __init__(self, kind: str, message: str) -> None:
        self.kind = kind
        super().__init__(message)


@dataclass
class Running:
    """A request's statements and their progress."""

    id: str
    sqls: list[str]
    connection: Any
    session: str | None
    status: str = "SUBMITTED"
    error: str = ""
    results: list[Any] = field(default_factory=list)
    # How many rows each statement that is done returned or changed.
    counts: list[int] = field(default_factory=list)
    batch: bool = False
    # Whether its session ends with it.
    last: bool = False
    started: float = field(default_factory=monotonic)


class Statements:
    """All requests to one server.

    :param port: the port of the cluster on the loopback.
    """

    def __init__(self, port: int, user: str, password: str) -> None:
        self._url = f"host=127.0.0.1 port={port} user={user} password={password}"
        self._known: dict[str, Running] = {}
        self._tokens: dict[str, str] = {}
        self._sessions: dict[str, Any] = {}

    def execute(self, body: Body) -> Body:
        """Start one statement, which may have parameters such as `:name`."""
        values = {parameter["name"]: parameter["value"] for parameter in body.get("Parameters", [])}
        return self._start(body, [body["Sql"]], values)

    def batch(self, body: Body) -> Body:
        """Start up to 40 statements in one transaction."""
        if not 1 <= len(body["Sqls"]) <= MAX_STATEMENTS:
            message = "Member must have length less than or equal to 40"
            raise ApiError("ValidationException", message)
        return self._start(body, list(body["Sqls"]), {}, batch=True)

    def describe(self, body: Body) -> Body:
        """Return the status of a request."""
        running = self._lookup(body)
        numbered = list(enumerate(running.sqls, 1))
        answer: dict[str, Any] = {
            "Id": running.id,
            "Status": running.status,
            "QueryString": running.sqls[0],
            "HasResultSet": any(result for result in running.results),
            "Duration": int((monotonic() - running.started) * 1e9),
        }
        if running.session:
            answer["SessionId"] = running.session
        if running.error:
            answer["Error"] = running.error
        done = len(running.counts)
        if running.batch:
            answer["SubStatements"] = [
                {
                    "Id": f"{running.id}:{number}",
                    "QueryString": sql,
                    "HasResultSet": number <= done and bool(running.results[number - 1]),
                    "ResultRows": running.counts[number - 1] if number <= done else -1,
                    "Status": "FINISHED" if number <= done else running.status,
                }
                for number, sql in numbered
            ]
        elif done:
            answer["ResultRows"] = running.counts[0]
        return answer

    def result(self, body: Body) -> Body:
        """Return the rows of a statement."""
        running = self._lookup(body)
        number = int(body["Id"].partition(":")[2] or 1)
        if running.status != "FINISHED" or not running.results[number - 1]:
            raise ApiError("ResourceNotFoundException", "Query does not have result.")
        columns, rows = running.results[number - 1]
        return {
            "ColumnMetadata": columns,
            "Records": [[_field(value) for value in row] for row in rows],
            "TotalNumRows": len(rows),
        }

    def cancel(self, body: Body) -> Body:
        """Cancel a request."""
        running = self._lookup(body)
        if running.status in ("FINISHED", "FAILED", "ABORTED"):
            message = f"Could not cancel a query that is already in {running.status} state"
            raise ApiError("ValidationException", message)
        running.status = "ABORTED"
        self._cancel(running.connection.info.backend_pid)
        return {"Status": True}

    def _cancel(self, pid: int) -> None:
        """Cancel by a statement: psycopg2's `cancel` blocks the other threads of this process."""
        import psycopg2

        other = psycopg2.connect(self._url, dbname="dev")
        try:
            other.autocommit = True
            with other.cursor() as cursor:
                cursor.execute("SELECT pg_cancel_backend(%s)", (pid,))
        finally:
            other.close()

    def listed(self, body: Body) -> Body:
        """Return all requests with their status."""
        known = self._known.values()
        return {"Statements": [{"Id": running.id, "Status": running.status} for running in known]}

    def _lookup(self, body: Body) -> Running:
        running = self._known.get(str(body["Id"]).partition(":")[0])
        if running is None:
            raise ApiError("ResourceNotFoundException", "Query does not exist.")
        return running

    def _start(
        self, body: Body, sqls: list[str], values: Mapping[str, str], *, batch: bool = False
    ) -> Body:
        if not body.get("SessionId") and not (
            body.get("ClusterIdentifier") or body.get("WorkgroupName")
        ):
            message = "Either ClusterIdentifier or WorkgroupName is required"
            raise ApiError("ValidationException", message)
        if any(len(sql) > MAX_TEXT for sql in sqls):
            raise ApiError("ValidationException", "the statement is longer than 100 KB")
        token = body.get("ClientToken", "")
        if token in self._tokens:
            known = self._known[self._tokens[token]]
            return {"Id": known.id, "SessionId": known.session}
        connection, session = self._connection(body)
        last = session is not None and body.get("SessionKeepAliveSeconds") == 0
        running = Running(str(uuid.uuid4()), sqls, connection, session, batch=batch, last=last)
        self._known[running.id] = running
        if token:
            self._tokens[token] = running.id
        threading.Thread(target=self._run, args=(running, values), daemon=True).start()
        return {"Id": running.id, "SessionId": session}

    def _connection(self, body: Body) -> tuple[Any, str | None]:
        import psycopg2

        known = body.get("SessionId")
        if known:
            if known not in self._sessions:
                raise ApiError("ValidationException", "Session is not available")
            return self._sessions[known], known
        connection = psycopg2.connect(self._url, dbname=body.get("Database", "dev"))
        session = None
        if body.get("SessionKeepAliveSeconds"):
            session = str(uuid.uuid4())
            self._sessions[session] = connection
        return connection, session

    def _run(self, running: Running, values: Mapping[str, str]) -> None:
        import psycopg2

        connection = running.connection
        running.status = "STARTED"
        try:
            connection.autocommit = not running.batch
            with connection.cursor() as cursor:
                for sql in running.sqls:
                    cursor.execute(*_bound(sql, values))
                    rows = cursor.description and (
                        [_metadata(column) for column in cursor.description],
                        cursor.fetchall(),
                    )
                    running.results.append(rows)
                    running.counts.append(cursor.rowcount)
            if not connection.autocommit:
                connection.commit()
            running.status = "FINISHED"
        except psycopg2.Error as error:
            running.error = "ERROR: " + str(error).strip()
            running.status = "ABORTED" if running.status == "ABORTED" else "FAILED"
            if not connection.closed:
                connection.rollback()
        finally:
            if running.last and running.session:
                self._sessions.pop(running.session, None)
            if running.session is None or running.last:
                connection.close()


def _bound(sql: str, values: Mapping[str, str]) -> tuple[str, Mapping[str, str] | None]:
    if not values:
        return sql, None
    # WHERE id = :id AND day = :day::date -> WHERE id = %(id)s AND day = %(day)s::date
    return re.sub(r"(?<!:):(\w+)", r"%(\1)s", sql.replace("%", "%%")), values


def _metadata(column: Any) -> Body:
    type_name = TYPES.get(column.type_code, "varchar")
    return {"name": column.name, "label": column.name, "typeName": type_name}


def _field(value: Any) -> Body:
    if value is None:
        return {"isNull": True}
    if isinstance(value, bool):
        return {"booleanValue": value}
    if isinstance(value, int):
        return {"longValue": value}
    if isinstance(value, float):
        return {"doubleValue": value}
    return {"stringValue": str(value)}
