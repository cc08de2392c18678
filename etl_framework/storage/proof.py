"""Prove that files are as they were written, by their sizes and checksums."""

from __future__ import annotations

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BLOCK = 1 << 20


@dataclass(frozen=True)
class Proof:
    """What proves that a file is as it was written.

    :param size: its size in bytes.
    :param crc: the CRC-32 of its content, which costs much less than a cryptographic hash and shows
        every changed byte; it is no protection from somebody who changes files on purpose.
    :param tag: in S3, the ETag of the object.
    """

    size: int
    crc: int
    tag: str = ""


def proof_of(file: Path) -> Proof:
    """Return the proof of a file as it is now; memory does not grow with its size."""
    size = crc = 0
    block = bytearray(BLOCK)
    with file.open("rb", buffering=0) as data:
        while count := data.readinto(block):
            crc = zlib.crc32(memoryview(block)[:count], crc)
            size += count
    return Proof(size, crc)


def difference(folder: Path, proofs: Mapping[str, Proof]) -> str:
    """Return in words how the first file that is not as it was written differs; empty if none is.

    :param proofs: the proof of every file, by its path in the folder.
    """
    for name, proof in proofs.items():
        try:
            size = (folder / name).stat().st_size
            if size != proof.size:
                return f"{name} has {size:,} bytes and not {proof.size:,}"
            if proof_of(folder / name).crc != proof.crc:
                return f"{name} has other bytes than those that were written"
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return f"{name} is not there"
    return ""
