"""The repository's own project on generated data, in a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.cli.conftest import etl as etl
from tests.conftest import REPOSITORY, Folder
from tests.runs.music import Expected, Row, expected

PIPELINE = "pipelines/music_streaming.yml"
ETL = ("run", "music_streaming", "--date", "2024-06-25")


@dataclass(frozen=True)
class Music(Folder):
    """The music project, with the first run done.

    :param first: how the first run ended.
    """

    first: subprocess.CompletedProcess[str]

    def tables(self) -> list[list[Row]]:
        return [
            self.query("SELECT * FROM kpis_genre ORDER BY 1"),
            self.query("SELECT * FROM kpis_hourly ORDER BY 1"),
        ]

    def ledger(self) -> list[Row]:
        return self.query("SELECT * FROM etl_ledger ORDER BY pipeline, interval_start")

    @contextmanager
    def edited(self, path: str, old: str, new: str) -> Iterator[None]:
        """A file with another text in it, put back afterwards."""
        file = self.root / path
        before = file.read_text(encoding="utf-8")
        assert before.count(old) == 1
        file.write_text(before.replace(old, new), encoding="utf-8")
        try:
            yield
        finally:
            file.write_text(before, encoding="utf-8")


@pytest.fixture(scope="session")
def music(tmp_path_factory: pytest.TempPathFactory) -> Music:
    root = tmp_path_factory.mktemp("music")
    for name in ("pipelines", "sql_templates"):
        shutil.copytree(REPOSITORY / name, root / name)
    shutil.copy(REPOSITORY / "environments.yml", root)
    command = [sys.executable, REPOSITORY / "sample_data/generate.py"]
    subprocess.run([*command, "--output", root / "sample_data"], check=True, capture_output=True)
    return Music(root, Folder(root).etl(*ETL))


@pytest.fixture
def sample(music: Music) -> Path:
    return music.root / "sample_data"


@pytest.fixture(scope="session")
def truth(music: Music) -> Expected:
    """What plain Python makes of the sample data."""
    return expected(music.root / "sample_data")
