"""Takes secrets out of messages, in every form in which a driver or a parser may show them.

What is looked up and is secret is kept here with `keep_secret` or `keep_address`. Every error of
ours, and every message of a driver, goes through `without_secrets`.
"""

from __future__ import annotations

import base64
import json
import re
import sys
from collections.abc import Iterator
from html import escape
from threading import Lock
from types import TracebackType
from urllib.parse import quote, quote_plus, unquote, unquote_plus

HIDDEN = "***"
# Shorter texts stand in too many words.
SHORTEST = 4
# A text of this length is no part of a word by chance.
LONG = 8
_NAME = re.compile(r"(?i)pass(word|wd|phrase)?$|secret|token|private_?key|access_?key$|credential")
_NAMED = re.compile(r"(?i)((?:password|secret_access_key|session_token|token)\s*[=:]\s*)\S+")
_IN_DSN = re.compile(r"(?i)password\s*=\s*('(?:\\.|[^'\\])*'|[^\s&]+)")
# A parser of URLs splits a text at the characters that are not in here.
_PIECE = re.compile(r"[A-Za-z0-9._~-]+")
_known: dict[str, None] = {}
_keeping = Lock()


class _Patterns:
    """What is looked for in messages: whole secrets in all forms, and their pieces."""

    whole: re.Pattern[str] | None = None
    pieces: re.Pattern[str] | None = None


def names_a_secret(name: str) -> bool:
    """Whether a variable or setting of this name holds a secret: `DB_PASSWORD`, `aws_secret`."""
    return bool(_NAME.search(name)) and not name.lower().endswith(("_arn", "_id"))


def keep_secret(text: str | None) -> None:
    """Never show a text from now on; of JSON, as Secrets Manager has it, what its names call so."""
    if not text:
        return
    fresh = {secret for secret in (text, *_in_json(text), *_in_url(text)) if secret not in _known}
    if not fresh:
        return
    with _keeping:
        _known.update(dict.fromkeys(fresh))
        _Patterns.whole = _pattern({form for secret in _known for form in _forms(secret)})
        _Patterns.pieces = _pattern({piece for secret in _known for piece in _pieces(secret)})


def keep_address(text: str | None) -> None:
    """Never show the secrets in the value of a setting: the password in a URL, values in JSON."""
    for secret in (*_in_url(text or ""), *_in_json(text or "")):
        keep_secret(secret)


def without_known(text: str) -> str:
    """Replace every known secret in a text by `***`."""
    return _Patterns.whole.sub(HIDDEN, text) if _Patterns.whole else text


def without_secrets(text: str) -> str:
    """Replace every known secret in a text by `***`, and what looks like one."""
    return without_known(_NAMED.sub(rf"\1{HIDDEN}", text))


def said(error: BaseException | str) -> str:
    """The first line of what a driver, a client or a parser said, without secrets.

    A parser may have cut a secret into pieces, so that pieces of four and more characters go, too.
    """
    lines = str(error).strip().splitlines()
    return _without_pieces(without_secrets(lines[0])) if lines else ""


def traceback_without_secrets(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    """Print the traceback of a bug; a hook for `sys.excepthook`."""
    sys.stderr.write(traceback_text(kind, error, trace))


def traceback_text(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> str:
    """Return the traceback of a bug, without secrets and their pieces."""
    import traceback

    text = "".join(traceback.format_exception(kind, error, trace))
    return _without_pieces(without_secrets(text))


def _without_pieces(text: str) -> str:
    return _Patterns.pieces.sub(HIDDEN, text) if _Patterns.pieces else text


def _in_url(text: str) -> Iterator[str]:
    """Every text that may be the password of a URL or of a DSN.

    Nobody knows where a password ends that has an `@` which is not written `%40`.
    """
    rest = text.partition("://")[2]
    for at in re.finditer("@", rest):
        _, colon, password = rest[: at.start()].partition(":")
        if colon and password:
            yield password
    yield from (match[1].strip("'") for match in _IN_DSN.finditer(text))


def _in_json(text: str) -> Iterator[str]:
    if not text.lstrip().startswith(("{", "[")):
        return
    try:
        yield from _secret_values(json.loads(text))
    except (ValueError, RecursionError):
        return


def _secret_values(value: object, *, secret: bool = False) -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secret_values(inner, secret=secret or names_a_secret(str(name)))
    elif isinstance(value, list):
        for inner in value:
            yield from _secret_values(inner, secret=secret)
    elif isinstance(value, str):
        if secret:
            yield value
        yield from _in_url(value)
        yield from _in_json(value)


def _forms(secret: str) -> set[str]:
    """A secret as it is, decoded, and encoded for URLs, JSON, Python, SQL, HTML and headers."""
    plain = {secret, unquote(secret), unquote_plus(secret)}
    forms = set(plain)
    for text in plain:
        forms |= {quote(text, safe=""), quote(text), quote_plus(text), escape(text)}
        forms |= {json.dumps(text)[1:-1], repr(text)[1:-1], text.replace("'", "''")}
        forms |= {base64.b64encode(text.encode("utf-8", "surrogateescape")).decode()}
    return forms


def _pieces(secret: str) -> set[str]:
    return {piece for form in (secret, unquote(secret)) for piece in _PIECE.findall(form)}


def _pattern(texts: set[str]) -> re.Pattern[str] | None:
    """A pattern for texts, the longest first; a short one only counts as a whole word."""
    listed = sorted((t for t in texts if len(t) >= SHORTEST), key=lambda text: (-len(text), text))
    words = [re.escape(t) if len(t) >= LONG else rf"(?<!\w){re.escape(t)}(?!\w)" for t in listed]
    return re.compile("|".join(words), re.IGNORECASE) if words else None
