"""Files that chance makes are imported, linted and run, and lose no character and no number."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.corpus.generated import lost, made


@pytest.mark.parametrize("seed", range(20))
def test_a_file_of_chance(tmp_path: Path, seed: int) -> None:
    assert lost(made(seed), tmp_path) == ""
