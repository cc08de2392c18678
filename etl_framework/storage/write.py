"""Write small files atomically."""

from __future__ import annotations

import os
import secrets
from pathlib import Path


def write_bytes(file: Path, data: bytes, mode: int = 0o666) -> None:
    """Write a file completely or not at all, also while other processes write it.

    :param mode: the permissions of the new file, of which the umask takes some away.
    """
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
    try:
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as out:
            out.write(data)
        draft.replace(file)
    finally:
        draft.unlink(missing_ok=True)


def write_text(file: Path, text: str, mode: int = 0o666) -> None:
    """Write a text file completely or not at all."""
    write_bytes(file, text.encode(), mode)
