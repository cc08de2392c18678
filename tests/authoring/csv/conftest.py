"""Import a CSV file, run what is proposed, and look at what arrived."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.corpus.round_trip import Outcome, imported

ImportCsv = Callable[..., Outcome]


@pytest.fixture
def import_csv(tmp_path: Path) -> ImportCsv:
    """`import_csv("a,b\\n1,2\\n")`: the file is imported, linted and run."""

    def importing(content: str | bytes, name: str = "in.csv") -> Outcome:
        file = tmp_path / name
        file.write_bytes(content.encode() if isinstance(content, str) else content)
        return imported(file, tmp_path / "project")

    return importing
