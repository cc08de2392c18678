"""The files of a report that was made, ready to be served or published."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

# The first page.
INDEX = "index.html"
_MADE = re.compile(rb'<p class="made">[^<]*</p>')
CONTENT_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}


def wall_of(pipeline: str) -> str:
    """The place of a pipeline among the data intervals of all: `index.html#pipeline-music`."""
    return f"{INDEX}#pipeline-{pipeline}"


def read_pages(folder: Path) -> Mapping[str, bytes]:
    """Return the files of a report by their paths in its folder: `runs/music-20240625-1f.html`.

    Hidden files, such as the mark of a report's folder, are none of its pages.
    """
    files = sorted(file for file in folder.rglob("[!.]*") if file.is_file())
    return {file.relative_to(folder).as_posix(): file.read_bytes() for file in files}


def digest(name: str, content: bytes) -> str:
    """Return a hash of what a file says; two that differ in when they were made have the same."""
    said = _MADE.sub(b"", content) if name.endswith(".html") else content
    return hashlib.sha256(said).hexdigest()


def content_type(name: str) -> str:
    """Return what kind of file it is, as HTTP says it."""
    return CONTENT_TYPES.get(PurePosixPath(name).suffix, "application/octet-stream")
