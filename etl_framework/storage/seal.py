"""Files of ours in JSON, with a digest that shows whether they are as they were written.

A sealed file is still JSON: `{"orders": 3, "digest": "6b9f0a1c2d3e4f50"}`. The digest is that
of all text before it.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

DIGEST = "digest"
_SEALED = re.compile(rb'(\{.*)"digest": "([0-9a-f]{16})"\}', re.DOTALL)


def sealed(content: Mapping[str, object], *, indent: int | None = None) -> bytes:
    """Return values as a sealed file; what JSON does not know becomes a text.

    :raises TypeError: a key among the values is none that JSON can store.
    """
    text = json.dumps(content, indent=indent, default=str).removesuffix("}").rstrip()
    start = f"{text}, " if content else text
    return f'{start}"{DIGEST}": "{_digest(start.encode())}"}}'.encode()


def unsealed(data: bytes) -> dict[str, Any]:
    """Return the values in a sealed file.

    :raises ValueError: the file is not as `sealed` made it.
    """
    match = _SEALED.fullmatch(data)
    if match is None or _digest(match[1]) != match[2].decode():
        raise ValueError("the digest is not that of the content")
    content: dict[str, Any] = json.loads(data)
    del content[DIGEST]
    return content


def _digest(text: bytes) -> str:
    return hashlib.blake2b(text, digest_size=8).hexdigest()
