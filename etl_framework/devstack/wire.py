"""Messages of PostgreSQL's protocol 3.0, which Redshift speaks too.

Source: PostgreSQL's documentation, "Frontend/Backend Protocol", "Message Formats".
"""

from __future__ import annotations

import hashlib
import secrets
import socket
import ssl
import struct
from contextlib import suppress
from dataclasses import dataclass
from io import BufferedReader

SSL_REQUEST, GSS_REQUEST, CANCEL_REQUEST = 80877103, 80877104, 80877102
PROTOCOL = 196608


class Closed(Exception):
    """The other side has closed the connection."""


@dataclass
class WireError(Exception):
    """An error as the protocol sends it."""

    message: str
    code: str = "XX000"
    detail: str = ""
    severity: str = "ERROR"

    def __post_init__(self) -> None:
        super().__init__(self.message)

    @classmethod
    def of(cls, body: bytes) -> WireError:
        """Return the error that an ErrorResponse describes."""
        told = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
        return cls(told.get(b"M", ""), told.get(b"C", ""), told.get(b"D", ""), told.get(b"S", ""))

    def body(self) -> bytes:
        """Return the error as the body of an ErrorResponse or a NoticeResponse."""
        facts = {"S": self.severity, "V": self.severity, "C": self.code, "M": self.message}
        facts |= {"D": self.detail} if self.detail else {}
        return b"".join(f"{k}{v}\0".encode() for k, v in facts.items()) + b"\0"


class Channel:
    """A socket that carries messages."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._reader = BufferedReader(socket.SocketIO(sock, "r"), 1 << 16)

    def exactly(self, size: int) -> bytes:
        """Read exactly `size` bytes.

        :raises Closed: the connection ends before.
        """
        try:
            data = self._reader.read(size)
        except (OSError, ValueError) as error:
            raise Closed from error
        if len(data) < size:
            raise Closed
        return data

    def some(self) -> bytes:
        """Return what has arrived, at least one byte; empty if the connection is closed."""
        try:
            return self._reader.read1(1 << 16)
        except (OSError, ValueError):
            return b""

    def message(self) -> tuple[bytes, bytes]:
        """Return type and body of the next message.

        :raises Closed: the other side has closed the connection.
        """
        head = self.exactly(5)
        return head[:1], self.exactly(struct.unpack("!I", head[1:])[0] - 4)

    def startup(self) -> tuple[int, bytes]:
        """Return code and body of a startup message, which has no type."""
        size, code = struct.unpack("!II", self.exactly(8))
        if not 8 <= size <= 10_000:
            raise Closed
        return code, self.exactly(size - 8)

    def send(self, *messages: bytes) -> None:
        """Send messages that `packed` made.

        :raises Closed: the other side has closed the connection.
        """
        try:
            self.socket.sendall(b"".join(messages))
        except OSError as error:
            raise Closed from error

    def close(self) -> None:
        """Close the connection; a thread that waits for data is released."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._reader.close()
        self.socket.close()


def packed(kind: bytes, body: bytes = b"") -> bytes:
    """Return a message of a type."""
    return kind + struct.pack("!I", len(body) + 4) + body


def texts(body: bytes) -> list[str]:
    """Return the texts of a body, which are separated by NUL."""
    return [part.decode("utf-8", "replace") for part in body.split(b"\0")]


@dataclass(frozen=True)
class Access:
    """How a server accepts clients.

    :param passwords: passwords by user.
    """

    passwords: dict[str, str]
    tls: ssl.SSLContext | None = None


def greet(sock: socket.socket, access: Access) -> tuple[Channel, bytes | None]:
    """Accept a client: TLS if it asks for it, then its password by MD5.

    :returns: the channel, and the body of the request if it is a request to cancel.
    :raises Closed: the client is refused, or has closed the connection.
    """
    channel = Channel(sock)
    while True:
        code, body = channel.startup()
        if code == CANCEL_REQUEST:
            return channel, body
        if code in (SSL_REQUEST, GSS_REQUEST):
            wanted = access.tls if code == SSL_REQUEST else None
            channel.send(b"S" if wanted else b"N")
            if wanted:
                try:
                    channel = Channel(wanted.wrap_socket(sock, server_side=True))
                except OSError as error:
                    raise Closed from error
            continue
        break
    fields = texts(body)
    given = dict(zip(fields[::2], fields[1::2], strict=False))
    if access.tls and not isinstance(channel.socket, ssl.SSLSocket):
        refuse(channel, WireError("no pg_hba.conf entry: SSL is required", "28000"))
    salt = secrets.token_bytes(4)
    channel.send(packed(b"R", struct.pack("!I", 5) + salt))
    kind, answer = channel.message()
    user = given.get("user", "")
    password = access.passwords.get(user)
    inner = hashlib.md5(f"{password}{user}".encode()).hexdigest()
    wanted_answer = "md5" + hashlib.md5(inner.encode() + salt).hexdigest()
    if kind != b"p" or password is None or texts(answer)[0] != wanted_answer:
        refuse(channel, WireError(f'password authentication failed for user "{user}"', "28P01"))
    return channel, None


def refuse(channel: Channel, error: WireError) -> None:
    """Send an error that ends the connection.

    :raises Closed: always.
    """
    error.severity = "FATAL"
    channel.send(packed(b"E", error.body()))
    channel.close()
    raise Closed


def connect(
    path: str, user: str, database: str, options: str
) -> tuple[Channel, list[bytes], bytes]:
    """Connect to a PostgreSQL that trusts us, by its Unix socket.

    :returns: the channel, the messages for the client, and the key for a request to cancel.
    :raises Closed: the server refuses.
    """
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    channel, seen, key = Channel(sock), [], b""
    facts = {"user": user, "database": database, "options": options, "client_encoding": "UTF8"}
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in facts.items()) + b"\0"
    channel.send(struct.pack("!II", len(body) + 8, PROTOCOL) + body)
    while True:
        kind, reply = channel.message()
        if kind == b"E":
            raise Closed(WireError.of(reply).message)
        if kind == b"K":
            key = reply
        if kind != b"N":
            seen.append(packed(kind, reply))
        if kind == b"Z":
            return channel, seen, key


def cancel(path: str, body: bytes) -> None:
    """Pass a request to cancel on to PostgreSQL."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(struct.pack("!II", len(body) + 8, CANCEL_REQUEST) + body)
