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
    """The other side has gone."""


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
        """What an ErrorResponse says."""
        told = {part[:1]: part[1:].decode("utf-8", "replace") for part in body.split(b"\0") if part}
        return cls(told.get(b"M", ""), told.get(b"C", ""), told.get(b"D", ""), told.get(b"S", ""))

    def body(self) -> bytes:
        """It as the body of an ErrorResponse or a NoticeResponse."""
        facts = {"S": self.severity, "V": self.severity, "C": self.code, "M": self.message}
        facts |= {"D": self.detail} if self.detail else {}
        return b"".join(f"{k}{v}\0".encode() for k, v in facts.items()) + b"\0"


class Channel:
    """A socket that carries messages."""

    def __init__(self, sock: socket.socket) -> None:
        self.socket = sock
        self._reader = BufferedReader(socket.SocketIO(sock, "r"), 1 << 16)

    def exactly(self, size: int) -> bytes:
        """So many bytes.

        :raises Closed: they do not come any more.
        """
        try:
            found = self._reader.read(size)
        except (OSError, ValueError) as error:
            raise Closed from error
        if len(found) < size:
            raise Closed
        return found

    def some(self) -> bytes:
        """What has come, at least one byte; none when the other side has gone."""
        try:
            return self._reader.read1(1 << 16)
        except (OSError, ValueError):
            return b""

    def message(self) -> tuple[bytes, bytes]:
        """Type and body of the next message.

        :raises Closed: the other side has gone.
        """
        head = self.exactly(5)
        return head[:1], self.exactly(struct.unpack("!I", head[1:])[0] - 4)

    def startup(self) -> tuple[int, bytes]:
        """Code and body of a message before the connection is set up, which has no type."""
        size, code = struct.unpack("!II", self.exactly(8))
        if not 8 <= size <= 10_000:
            raise Closed
        return code, self.exactly(size - 8)

    def send(self, *messages: bytes) -> None:
        """Send what `packed` gave.

        :raises Closed: the other side has gone.
        """
        try:
            self.socket.sendall(b"".join(messages))
        except OSError as error:
            raise Closed from error

    def close(self) -> None:
        """End the connection, also for who waits on it."""
        with suppress(OSError):
            self.socket.shutdown(socket.SHUT_RDWR)
        self._reader.close()
        self.socket.close()


def packed(kind: bytes, body: bytes = b"") -> bytes:
    """A message."""
    return kind + struct.pack("!I", len(body) + 4) + body


def texts(body: bytes) -> list[str]:
    """Texts that end in NUL each."""
    return [part.decode("utf-8", "replace") for part in body.split(b"\0")]


@dataclass(frozen=True)
class Access:
    """How a server lets clients in.

    :param passwords: by user.
    """

    passwords: dict[str, str]
    tls: ssl.SSLContext | None = None


def greet(sock: socket.socket, access: Access) -> tuple[Channel, bytes | None]:
    """Take a client in: TLS when it asks, then its password by MD5.

    :returns: the channel, and the body of a request to cancel if it was one of those.
    :raises Closed: it was refused, or went.
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
    found = texts(body)
    given = dict(zip(found[::2], found[1::2], strict=False))
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
    """A connection to a PostgreSQL that trusts us, by its Unix socket.

    :returns: the channel, the messages that a client needs to see, and the key to cancel with.
    :raises Closed: the server refuses.
    """
    sock = socket.socket(socket.AF_UNIX)
    sock.connect(path)
    channel, seen, key = Channel(sock), [], b""
    facts = {"user": user, "database": database, "options": options, "client_encoding": "UTF8"}
    body = b"".join(f"{name}\0{value}\0".encode() for name, value in facts.items()) + b"\0"
    channel.send(struct.pack("!II", len(body) + 8, PROTOCOL) + body)
    while True:
        kind, found = channel.message()
        if kind == b"E":
            raise Closed(WireError.of(found).message)
        if kind == b"K":
            key = found
        if kind != b"N":
            seen.append(packed(kind, found))
        if kind == b"Z":
            return channel, seen, key


def cancel(path: str, body: bytes) -> None:
    """Pass a request to cancel on."""
    with socket.socket(socket.AF_UNIX) as sock:
        sock.connect(path)
        sock.sendall(struct.pack("!II", len(body) + 8, CANCEL_REQUEST) + body)
