"""Write several files of a project: all of them or none."""

from __future__ import annotations

import os
import secrets
from collections.abc import Mapping
from pathlib import Path

from etl_framework.errors import ConfigError


def write_all(
    root: Path, new: Mapping[str, str], changed: Mapping[str, bytes] | None = None
) -> None:
    """Write new files, then changed files.

    :param new: texts by path below the folder.
    :param changed: contents of existing files by path; one at most, so that it is all or nothing.
    :raises ConfigError: a new file exists already, or a file cannot be written.
    """
    if there := [path for path in new if os.path.lexists(root / path)]:
        raise ConfigError(f"{there[0]} is there already; nothing was written")
    texts = {root / path: text.encode() for path, text in new.items()}
    texts |= {(root / path).resolve(): text for path, text in (changed or {}).items()}
    drafts: dict[Path, Path] = {}
    folders: list[Path] = []
    done: list[Path] = []
    try:
        for file, text in texts.items():
            folders += [parent for parent in file.parents if not parent.exists()]
            file.parent.mkdir(parents=True, exist_ok=True)
            drafts[file] = file.with_name(f".{file.name}.{secrets.token_hex(4)}")
            drafts[file].write_bytes(text)
            if file.exists():
                drafts[file].chmod(file.stat().st_mode)
        for file, draft in drafts.items():
            draft.replace(file)
            done.append(file)
    except OSError as error:
        for left in (*drafts.values(), *done):
            left.unlink(missing_ok=True)
        for folder in folders:
            if folder.is_dir() and not any(folder.iterdir()):
                folder.rmdir()
        message = f"{error.filename}: {error.strerror}; nothing was written"
        raise ConfigError(message) from error
