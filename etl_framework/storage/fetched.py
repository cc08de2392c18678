"""Download outputs of steps from S3: once for all who wait, and each file whole or not at all."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path

from etl_framework.errors import BrokenStateError, DataMissingError
from etl_framework.storage.lock import locked
from etl_framework.storage.proof import Proof, difference
from etl_framework.storage.s3 import S3Prefix

# Seconds after which another attempt's files are deleted. A step may still be reading them before.
UNUSED = 24 * 3600
DOWNLOADS = 2
LOCK = ".lock"


def brought(folder: Path, remote: S3Prefix, attempt: str, proofs: Mapping[str, Proof]) -> Path:
    """Return the folder with the files of an attempt; download those that are not here.

    One process at a time downloads outputs of a step. Others wait for it and find the files.

    :param folder: the folder for all attempts at this step.
    :param proofs: the proofs of the wanted files, by name.
    :raises BrokenStateError: a file in S3 is not as it was written.
    :raises RetryableError: S3 does not answer.
    """
    place = folder / attempt
    place.mkdir(parents=True, exist_ok=True)
    with locked(folder / LOCK, wait=True):
        for name, proof in proofs.items():
            if difference(place, {name: proof}):
                _download(remote, f"{attempt}/{name}", place / name, proof)
        os.utime(place)
        _delete_unused(folder, keep=(LOCK, attempt))
    return place


def _download(remote: S3Prefix, name: str, file: Path, proof: Proof) -> None:
    draft = file.with_name(f".{file.name}")
    wrong = ""
    for _ in range(DOWNLOADS):
        try:
            remote.download(name, draft)
        except DataMissingError:
            wrong = f"{file.name} is not there"
            continue
        wrong = difference(draft.parent, {draft.name: proof})
        if not wrong:
            draft.replace(file)
            return
    draft.unlink(missing_ok=True)
    raise broken(remote.uri(name), wrong.removeprefix("."))


def broken(place: str, what: str) -> BrokenStateError:
    """Return the error for an output that is not as its step wrote it."""
    return BrokenStateError(
        f"{place}: {what}",
        hint="run the data interval again (in Airflow: clear its tasks): what is broken is made "
        "again, and nothing else",
    )


def _delete_unused(folder: Path, *, keep: tuple[str, ...]) -> None:
    unused = time.time() - UNUSED
    for other in folder.iterdir():
        if other.name not in keep and other.stat().st_mtime < unused:
            shutil.rmtree(other, ignore_errors=True)
