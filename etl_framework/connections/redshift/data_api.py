"""A session with Redshift through its Data API, for workers without a route to the cluster.

Source: the Redshift Data API's reference. A statement runs in the background, and the client asks
for its state; a batch of up to 40 statements is one transaction; a session keeps temporary tables
between requests.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from etl_framework.connections.label import label
from etl_framework.connections.redshift.session import (
    Result,
    Session,
    Statement,
    grouped,
    our_error,
    tell,
)
from etl_framework.errors import RetryableError, StepError
from etl_framework.errors.failures import of_aws
from etl_framework.sql.quote import redshift_literal

MAX_STATEMENTS = 40
MAX_BYTES = 100_000
KEEP_SECONDS = 3600
FIRST_WAIT, LONGEST_WAIT = 0.05, 5.0
# Types whose values come as texts, by the API's name of the type.
READ_AS: Mapping[str, Callable[[str], Any]] = {
    "numeric": Decimal,
    "date": date.fromisoformat,
    "timestamp": datetime.fromisoformat,
    "timestamptz": datetime.fromisoformat,
}


class DataApiSession(Session):
    """Statements over HTTPS.

    :param api: a boto3 client for `redshift-data`.
    :param place: the arguments that name the database and the user.
    :param seconds: how long a statement may take.
    """

    interactive = False

    def __init__(self, api: Any, place: Mapping[str, str], seconds: float = 3600) -> None:
        self._api = api
        self._seconds = seconds
        self._place = dict(place)
        self._session: str | None = None
        self._running: str | None = None
        self._label = label()

    def run(self, sql: str, values: Sequence[Any] = ()) -> Result:
        state = self._wait(self._send("execute_statement", {"Sql": bound(sql, values)}))
        if not state.get("HasResultSet"):
            return Result([], [], max(int(state.get("ResultRows", 0)), 0))
        return self._result(state["Id"])

    def batch(self, statements: Sequence[Statement]) -> list[int]:
        if len(statements) > MAX_STATEMENTS:
            raise StepError(
                f"one transaction of the Data API holds {MAX_STATEMENTS} statements, and this run "
                f"needs {len(statements)}",
                hint="use the driver psycopg2, or split the pipeline",
            )
        sqls = [bound(sql, given) for sql, given in statements]
        state = self._wait(self._send("batch_execute_statement", {"Sqls": sqls}))
        return [max(int(part.get("ResultRows", 0)), 0) for part in state["SubStatements"]]

    def submit(self, sql: str) -> str:
        """Start a statement and return its id."""
        return self._send("execute_statement", {"Sql": sql})

    def ended(self, id_: str) -> int | None:
        """Return how many rows a statement changed; None while it runs.

        :raises StepError: the statement failed.
        """
        self._running = id_
        state = self._state(id_)
        return None if state is None else max(int(state.get("ResultRows", 0)), 0)

    def cancel(self) -> None:
        from botocore.exceptions import ClientError

        if self._running:
            with suppress(ClientError):  # it may have ended meanwhile
                self._api.cancel_statement(Id=self._running)

    def close(self) -> None:
        """Cancel what runs, and end the session with a last statement.

        An account has 500 sessions, and one that is not ended stays for KEEP_SECONDS.
        """
        from botocore.exceptions import BotoCoreError, ClientError

        self.cancel()
        if self._session:
            with suppress(ClientError, BotoCoreError):  # then it ends by itself
                self._api.execute_statement(
                    Sql=self._signed("SELECT 1"),
                    SessionId=self._session,
                    SessionKeepAliveSeconds=0,
                )
            self._session = None

    def _send(self, operation: str, body: Mapping[str, Any]) -> str:
        if self._label and not self._session:
            self._wait(self._request("execute_statement", {"Sql": grouped(self._label)}))
        return self._request(operation, body)

    def _request(self, operation: str, body: Mapping[str, Any]) -> str:
        for sql in (body["Sql"],) if "Sql" in body else body["Sqls"]:
            tell(sql)
        if "Sql" in body:
            body = {**body, "Sql": self._signed(body["Sql"])}
        else:
            body = {**body, "Sqls": [self._signed(sql) for sql in body["Sqls"]]}
        # A request may be sent again if its answer is lost; thanks to its token it runs once.
        token = {"ClientToken": str(uuid.uuid4())}
        where = {"SessionId": self._session} if self._session else self._place
        answer = self._call(
            operation, **body, **where, **token, SessionKeepAliveSeconds=KEEP_SECONDS
        )
        self._session = answer.get("SessionId") or self._session
        self._running = str(answer["Id"])
        return self._running

    def _signed(self, sql: str) -> str:
        """Return a statement with the label behind it, if the API takes one that long."""
        signed = sql + (self._label.comment() if self._label else "")
        return signed if len(signed.encode()) <= MAX_BYTES else sql

    def _wait(self, id_: str) -> Mapping[str, Any]:
        wait, end = FIRST_WAIT, time.monotonic() + self._seconds
        while (state := self._state(id_)) is None:
            if time.monotonic() > end:
                self.cancel()
                why = f"no answer within {self._seconds:g} seconds (statement_timeout)"
                raise RetryableError(f"Redshift: {why}")
            time.sleep(wait)
            wait = min(wait * 1.5, LONGEST_WAIT)
        return state

    def _state(self, id_: str) -> Mapping[str, Any] | None:
        """Return the description of a statement that has finished; None while it runs."""
        state: Mapping[str, Any] = self._call("describe_statement", Id=id_)
        if state["Status"] == "FINISHED":
            self._running = None
            return state
        if state["Status"] in ("FAILED", "ABORTED"):
            self._running = None
            message = str(state.get("Error") or f"the statement was {state['Status'].lower()}")
            raise our_error(RuntimeError(message), message, StepError)
        return None

    def _result(self, id_: str) -> Result:
        columns: list[str] = []
        rows: list[tuple[Any, ...]] = []
        more: dict[str, str] = {}
        while True:
            page = self._call("get_statement_result", Id=id_, **more)
            columns = [str(column["name"]) for column in page["ColumnMetadata"]]
            types = [str(column.get("typeName")) for column in page["ColumnMetadata"]]
            rows += [tuple(map(_value, row, types)) for row in page["Records"]]
            if not page.get("NextToken"):
                return Result(columns, rows)
            more = {"NextToken": page["NextToken"]}

    def _call(self, operation: str, **arguments: Any) -> Any:
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            return getattr(self._api, operation)(**arguments)
        except ClientError as error:
            message = str(error.response["Error"].get("Message") or error)
            kind = of_aws(error)
            kind = kind if issubclass(kind, StepError) else StepError
            raise our_error(error, message, kind) from error
        except BotoCoreError as error:
            message = f"the Data API does not answer: {type(error).__name__}"
            raise of_aws(error)(message) from error


def bound(sql: str, values: Sequence[Any]) -> str:
    """Return SQL with its values as literals, because a batch takes no values."""
    # "SELECT ?, ?" with ("it's", 1) -> SELECT 'it''s', 1
    parts = sql.split("?")
    if not values:
        return sql
    if len(parts) != len(values) + 1:
        raise StepError("a statement has more or fewer values than places")
    out = [parts[0]]
    for value, part in zip(values, parts[1:], strict=True):
        out += [_literal(value), part]
    return "".join(out)


def _literal(value: Any) -> str:
    if isinstance(value, datetime) and value.tzinfo:
        return f"TIMESTAMPTZ '{value.isoformat(sep=' ')}'"
    return redshift_literal(value)


def _value(field: Mapping[str, Any], type_name: str) -> Any:
    if field.get("isNull"):
        return None
    value = next(iter(field.values()))
    read = READ_AS.get(type_name)
    if read is None or not isinstance(value, str):
        return value
    try:
        return read(value)
    except ValueError:  # a year that Python does not know, which stays a text
        return value
