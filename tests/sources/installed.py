"""The plug-in `lines`, installed as packages are: found by its entry point, in other processes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from subprocess import CompletedProcess

import pytest

from tests.conftest import REPOSITORY, Folder

PIPELINE = """
name: words
schedule: "@daily"
sources:
  words:
    type: lines
    connection: lake
    path: words/{{ interval.date }}*.txt
    archive: processed/
    wait: 6h
    columns: [{name: word, type: varchar(20)}]
kpis:
  counts:
    sql: words/counts.sql
    target: {connection: warehouse, table: counts}
    columns:
      - {name: word, type: varchar(20), primary_key: true}
      - {name: times, type: bigint}
"""
COUNTS = "SELECT word, COUNT(*) AS times FROM words GROUP BY word\n"
FILE = "words/2024-06-25.txt"


@dataclass(frozen=True)
class Installed:
    """A project that reads files by the plug-in, and where that is installed."""

    folder: Folder
    site: Path

    def etl(self, *arguments: str) -> CompletedProcess[str]:
        """Run the command where the plug-in is installed."""
        return self.folder.etl(*arguments, env={"PYTHONPATH": f"{self.site}:{REPOSITORY}"})

    def lines(self) -> list[str]:
        """What the lake holds, by name."""
        lake = self.folder.root / "lake"
        return sorted(str(file.relative_to(lake)) for file in lake.rglob("*.txt"))


@pytest.fixture
def words(folder: Folder, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Words of a text file, and how often there is each."""
    site = tmp_path_factory.mktemp("site")
    facts = site / "etl_lines-1.0.dist-info"
    facts.mkdir()
    (facts / "METADATA").write_text("Metadata-Version: 2.1\nName: etl-lines\nVersion: 1.0\n")
    (facts / "entry_points.txt").write_text(
        "[etl_framework.plugins]\nlines = tests.sources.lines\n"
    )
    folder.write("pipelines/words.yml", PIPELINE)
    folder.write("sql_templates/words/counts.sql", COUNTS)
    folder.write(f"lake/{FILE}", "ada\nbob\nada\n")
    return Installed(folder, site)
