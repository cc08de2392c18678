"""One client's connection to the stand-in: its statements are rewritten or executed here."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime

from etl_framework.devstack.query_history import now
from etl_framework.devstack.wire import Channel, Closed, WireError, packed, texts
from etl_framework.sql.functions import KNOWN

# The types of the messages that answer a message of the extended protocol.
ANSWERS = {b"1", b"2", b"3", b"T", b"n", b"C", b"I", b"s"}
BUFFER = 1 << 16


@dataclass(frozen=True)
class Passed:
    """A statement that PostgreSQL runs, in PostgreSQL's dialect."""

    sql: str


@dataclass(frozen=True)
class Handled:
    """A statement that is executed here; `run` returns its command tag."""

    run: Callable[[Session], str]


Work = Passed | Handled
Rows = list[list[str | None]]


@dataclass
class Session:
    """A client, its connection to PostgreSQL, and its prepared statements.

    :param rewrite: returns what is to be done for a statement; may run SQL by `ask`, or raise
        WireError.
    :param split: returns the statements of a text.
    :param fault: is called with each statement before it runs; may raise WireError or Closed, or
        return True to run the statement but lose its answer.
    :param ended: is called after each statement, with the moment it began.
    """

    client: Channel
    backend: Channel
    rewrite: Callable[[str, Session], Work]
    split: Callable[[str], list[str]]
    fault: Callable[[str], bool] = lambda sql: False
    ended: Callable[[str, datetime], None] = lambda sql, started: None
    status: bytes = b"I"
    _prepared: dict[str, Handled] = field(default_factory=dict)
    _portals: dict[str, Handled] = field(default_factory=dict)
    _texts: dict[str, str] = field(default_factory=dict)
    _executed: tuple[str, datetime] | None = None
    _outstanding: int = 0
    _skipping: bool = False
    _backend_skips: bool = False

    def run(self) -> None:
        """Serve the client until it goes."""
        try:
            while True:
                kind, body = self.client.message()
                if kind == b"X":
                    return
                if kind == b"Q":
                    self._simple(texts(body)[0])
                else:
                    self._extended(kind, body)
        except Closed:
            return
        finally:
            self.client.close()
            self.backend.close()

    def ask(self, sql: str, feed: Iterable[bytes] = (), sink: list[bytes] | None = None) -> Rows:
        """Run our own SQL in the client's transaction.

        :param feed: the data for a COPY FROM STDIN.
        :param sink: receives the data of a COPY TO STDOUT.
        :returns: the rows, with values as texts.
        :raises WireError: PostgreSQL refuses the SQL.
        """
        self.backend.send(packed(b"Q", sql.encode() + b"\0"))
        rows: Rows = []
        failure: Exception | None = None
        while True:
            kind, body = self.backend.message()
            if kind == b"Z":
                self.status = body
                break
            if kind == b"E":
                failure = failure or translated(WireError.of(body))
            elif kind == b"D":
                rows.append(list(_values(body)))
            elif kind == b"d" and sink is not None:
                sink.append(body)
            elif kind == b"G":
                try:
                    for chunk in feed:
                        self.backend.send(packed(b"d", chunk))
                    self.backend.send(packed(b"c"))
                except Exception as error:  # noqa: BLE001 - raised again below
                    failure = error
                    self.backend.send(packed(b"f", b"stopped\0"))
        if failure:
            raise failure
        return rows

    def notice(self, message: str) -> None:
        """Send the client a notice."""
        body = WireError(message, "00000", severity="INFO").body()
        self.client.send(packed(b"N", body))

    def _simple(self, sql: str) -> None:
        parts = self.split(sql)
        statements = parts if len(parts) > 1 else [sql]  # with the comments around it
        together = len(statements) > 1 and self.status == b"I"
        try:
            if together and not any(s.split()[0].upper() in OWN_WAY for s in statements):
                self.ask("BEGIN")
            for statement in statements:
                self._one(statement)
            if together and self.status == b"T":
                self.ask("COMMIT")
        except WireError as error:
            self._fail(error)
            if together and self.status != b"I":
                self.ask("ROLLBACK")
        self.client.send(packed(b"Z", self.status))

    def _one(self, sql: str) -> None:
        """Run one statement and send its answers to the client, except ReadyForQuery.

        :raises WireError: the statement failed.
        """
        lost = self.fault(sql)
        if lost:
            work = self.rewrite(sql, self)
            self.ask(work.sql) if isinstance(work, Passed) else work.run(self)
            raise Closed
        started = now()
        work = self.rewrite(sql, self)
        if isinstance(work, Handled):
            tag = work.run(self).encode()
            self.ended(sql, started)
            self.client.send(packed(b"C", tag + b"\0"))
            return
        self.backend.send(packed(b"Q", work.sql.encode() + b"\0"))
        failure = self._pump(to_ready=True)
        self.ended(sql, started)
        if failure:
            raise failure

    def _extended(self, kind: bytes, body: bytes) -> None:
        if kind == b"S":
            self._skipping = self._backend_skips = False
            self.backend.send(packed(b"S"))
            self._outstanding = 0
            failure = self._pump(to_ready=True)
            if self._executed:
                self.ended(*self._executed)
                self._executed = None
            if failure:
                self.client.send(packed(b"E", failure.body()))
            self.client.send(packed(b"Z", self.status))
        elif self._skipping:
            return
        else:
            try:
                self._step(kind, body)
            except WireError as error:
                self._fail(error)
                self._skipping = True

    def _step(self, kind: bytes, body: bytes) -> None:
        if kind == b"H":
            self._drain()
            return
        fields = texts(body)
        if kind == b"P":
            name, sql = fields[:2]
            self._drain()
            work = self.rewrite(sql, self)
            self._prepared.pop(name, None)
            self._texts[name] = sql
            if isinstance(work, Handled):
                self._prepared[name] = work
                self.client.send(packed(b"1"))
                return
            rest = body[len(name.encode()) + len(sql.encode()) + 2 :]
            body = name.encode() + b"\0" + work.sql.encode() + b"\0" + rest
        elif kind == b"B":
            portal, name = fields[:2]
            self._portals.pop(portal, None)
            self._texts["portal " + portal] = self._texts.get(name, "")
            if name in self._prepared:
                self._portals[portal] = self._prepared[name]
                self.client.send(packed(b"2"))
                return
        elif kind in (b"D", b"C"):
            mine = self._prepared if fields[0][:1] == "S" else self._portals
            if fields[0][1:] in mine:
                self._answer_of_ours(kind, fields[0], mine)
                return
        elif kind == b"E":
            text = self._texts.get("portal " + fields[0], "")
            if self.fault(text):
                raise Closed
            self._executed = text, now()
            if fields[0] in self._portals:
                self._drain()
                tag = self._portals[fields[0]].run(self)
                self.client.send(packed(b"C", tag.encode() + b"\0"))
                return
        self.backend.send(packed(kind, body))
        self._outstanding += 1

    def _answer_of_ours(self, kind: bytes, name: str, mine: dict[str, Handled]) -> None:
        if kind == b"C":
            del mine[name[1:]]
            self.client.send(packed(b"3"))
        elif name[:1] == "S":
            self.client.send(packed(b"t", struct.pack("!H", 0)), packed(b"n"))
        else:
            self.client.send(packed(b"n"))

    def _drain(self) -> None:
        """Send the client the answers to its earlier messages that it has not got yet."""
        if self._outstanding:
            self.backend.send(packed(b"H"))
            failure = self._pump(to_ready=False)
            if failure:
                self._backend_skips = True
                raise failure

    def _pump(self, *, to_ready: bool) -> WireError | None:
        """Send PostgreSQL's answers to the client; leave ReadyForQuery and errors to the caller."""
        out: list[bytes] = []
        size, failure = 0, None
        while to_ready or self._outstanding:
            kind, body = self.backend.message()
            if kind == b"Z":
                self.status = body
                break
            if kind == b"E":
                failure = translated(WireError.of(body))
                self._outstanding = 0
                continue
            if kind in ANSWERS:
                self._outstanding = max(0, self._outstanding - 1)
            out.append(packed(kind, body))
            size += len(body)
            if size > BUFFER:
                self.client.send(*out)
                out, size = [], 0
        self.client.send(*out)
        return failure

    def _fail(self, error: WireError) -> None:
        """Send the client an error; an open transaction fails with it, as in Redshift."""
        if self.status == b"T" and not self._backend_skips:
            with suppress(WireError):
                self.ask("DO 'BEGIN RAISE EXCEPTION ''refused''; END'")
        self.client.send(packed(b"E", error.body()))


# Types and words of Redshift that PostgreSQL behind the stand-in does not know.
OTHER_TYPES = ("nvarchar", "nchar", "super", "hllsketch", "varbyte", "geography", "geometry")
OTHER_WORDS = ("PIVOT", "UNPIVOT", "EXCLUDE", "ALL", "QUALIFY", "CONNECT")
OWN_WAY = {"BEGIN", "START", "COMMIT", "END", "ROLLBACK", "ABORT", "VACUUM"}


def translated(error: WireError) -> WireError:
    """Return an error of PostgreSQL as Redshift reports it."""
    if error.code == "40001":
        detail = "Serializable isolation violation on table"
        return WireError("1023", "XX000", detail)
    if error.code == "23514" and "etl_bytes_" in error.message:
        length = error.message.rpartition("etl_bytes_")[2].partition("_")[0]
        return WireError(f"value too long for type character varying({length})", "22001")
    if lacking := _lacking(error):
        return WireError(f"the stand-in of Redshift has no {lacking}; a cluster has", "0A000")
    return error


def _lacking(error: WireError) -> str:
    """What Redshift has and PostgreSQL refuses in an error, in words; empty for another error."""
    if error.code == "42883":
        function = re.match(r"function (?:\w+\.)?(\w+)\(", error.message)
        if function and function[1] in KNOWN:
            return f"{function[1].upper()} for these types"
    if error.code == "42704":
        type_ = re.match(r'type "(\w+)" does not exist', error.message)
        if type_ and type_[1] in OTHER_TYPES:
            return type_[1].upper()
    if error.code == "42601":
        word = re.match(r'syntax error at or near "(\w+)"', error.message)
        if word and word[1].upper() in OTHER_WORDS:
            return word[1].upper()
    return ""


def _values(body: bytes) -> Iterator[str | None]:
    count, offset = struct.unpack_from("!H", body)[0], 2
    for _ in range(count):
        size = struct.unpack_from("!i", body, offset)[0]
        offset += 4
        yield None if size < 0 else body[offset : offset + size].decode()
        offset += max(size, 0)
