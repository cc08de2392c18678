"""Zip files with the same bytes whenever and wherever they are made."""

from __future__ import annotations

import os
import time
import zipfile
from collections.abc import Mapping
from pathlib import Path

EARLIEST = 315_532_800  # 1980, the first time that a zip file can hold


def write_zip(target: Path, files: Mapping[str, bytes | Path], *, compressed: bool = False) -> None:
    """Write files in the order of their names, with fixed times and modes.

    The fixed time is SOURCE_DATE_EPOCH where that is set.

    :param compressed: compress the files; then the bytes are the same only for one version of
        zlib. Wheels need no compression, since they are compressed already.
    """
    moment = max(int(os.environ.get("SOURCE_DATE_EPOCH") or 0), EARLIEST)
    how = zipfile.ZIP_DEFLATED if compressed else zipfile.ZIP_STORED
    with zipfile.ZipFile(target, "w") as archive:
        for name, content in sorted(files.items()):
            entry = zipfile.ZipInfo(name, time.gmtime(moment)[:6])
            entry.create_system = 3
            entry.external_attr = 0o100644 << 16
            data = content if isinstance(content, bytes) else content.read_bytes()
            archive.writestr(entry, data, compress_type=how)
