"""A file is as it was written, or it is told how it differs."""

from __future__ import annotations

import random
import zlib
from collections.abc import Callable
from pathlib import Path

import pytest

from etl_framework.storage.proof import BLOCK, Proof, difference, proof_of


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "data/0.parquet"
    made.parent.mkdir()
    made.write_bytes(random.Random(1).randbytes(BLOCK + 1000))
    return made


def test_the_proof_is_size_and_checksum(file: Path) -> None:
    assert proof_of(file) == Proof(BLOCK + 1000, zlib.crc32(file.read_bytes()))


@pytest.mark.parametrize("size", [0, 1, BLOCK])
def test_a_file_that_stays_is_as_it_was(tmp_path: Path, size: int) -> None:
    (tmp_path / "0").write_bytes(b"x" * size)

    assert difference(tmp_path, {"0": proof_of(tmp_path / "0")}) == ""


@pytest.mark.parametrize("place", [0, 500, BLOCK - 1, BLOCK, BLOCK + 999])
@pytest.mark.parametrize("bit", [1, 128])
def test_every_bit_counts(file: Path, tmp_path: Path, place: int, bit: int) -> None:
    proof, data = proof_of(file), bytearray(file.read_bytes())
    data[place] ^= bit
    file.write_bytes(data)

    told = difference(tmp_path, {"data/0.parquet": proof})

    assert told == "data/0.parquet has other bytes than those that were written"


@pytest.mark.parametrize(
    ("harm", "told"),
    [
        pytest.param(lambda file: file.unlink(), "data/0.parquet is not there", id="gone"),
        pytest.param(
            lambda file: file.write_bytes(b"abc"),
            "data/0.parquet has 3 bytes and not 1,049,576",
            id="cut",
        ),
        pytest.param(
            lambda file: (file.unlink(), file.mkdir()), "data/0.parquet has", id="a folder"
        ),
    ],
)
def test_what_is_wrong_is_told(
    file: Path, tmp_path: Path, harm: Callable[[Path], object], told: str
) -> None:
    proofs = {"data/0.parquet": proof_of(file)}
    harm(file)

    assert difference(tmp_path, proofs).startswith(told)
