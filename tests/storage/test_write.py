"""Small files are written whole or not at all."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from etl_framework.storage.write import write_bytes, write_text


def test_a_file_is_written_with_its_folder_and_nothing_else_is_left(tmp_path: Path) -> None:
    write_text(tmp_path / "a/b.json", "ö")
    write_bytes(tmp_path / "a/b.json", b"2")

    assert [path.name for path in (tmp_path / "a").iterdir()] == ["b.json"]
    assert (tmp_path / "a/b.json").read_bytes() == b"2"


def test_a_secret_file_is_never_readable_for_others(tmp_path: Path) -> None:
    write_text(tmp_path / "env", "PASSWORD=x", mode=0o600)
    write_text(tmp_path / "env", "PASSWORD=y", mode=0o600)

    assert (tmp_path / "env").stat().st_mode & 0o777 == 0o600


def test_a_file_that_cannot_be_written_leaves_no_draft(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()

    with pytest.raises(OSError, match="directory"):
        write_text(tmp_path / "b", "x")

    assert list(tmp_path.iterdir()) == [tmp_path / "b"]


def test_those_who_write_at_once_do_not_mix(tmp_path: Path) -> None:
    texts = [letter * 100_000 for letter in "abcd"]
    ready = threading.Barrier(len(texts))

    def write(text: str) -> None:
        ready.wait(10)
        for _ in range(20):
            write_text(tmp_path / "x", text)

    threads = [threading.Thread(target=write, args=(text,)) for text in texts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert (tmp_path / "x").read_text() in texts
    assert [path.name for path in tmp_path.iterdir()] == ["x"]
