"""A bundle's manifest is read as it was written, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest

from etl_framework.errors import ConfigError
from etl_framework.mwaa.bundle.manifest import FILE, Manifest, read_manifest

MANIFEST = Manifest(
    target="mwaa:3.3.1", airflow="3.3.1", python="3.12", framework="0.1.0", commit="abc",
    environment="prod", files={"requirements.txt": "0" * 64}, dag_ids=("orders",),
    connections=("aws_default",), variables=(), secrets=(), packages={"duckdb": "2.0.1"},
)  # fmt: skip


def test_it_is_read_as_it_was_written(tmp_path: Path) -> None:
    MANIFEST.write(tmp_path)

    assert read_manifest(tmp_path) == MANIFEST


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param(None, "it has no manifest.json", id="none"),
        pytest.param("{", "cannot be read", id="no JSON"),
        pytest.param('{"format": 2}', "format: Input should be 1", id="another format"),
        pytest.param(
            MANIFEST.model_dump_json()[:-1] + ', "more": 1}', "more: Extra inputs", id="another key"
        ),
    ],
)
def test_what_is_no_manifest(tmp_path: Path, text: str | None, words: str) -> None:
    if text is not None:
        (tmp_path / FILE).write_text(text)

    with pytest.raises(ConfigError) as caught:
        read_manifest(tmp_path)
    assert words in str(caught.value)
    assert "hint: write it with `etl bundle`" in str(caught.value)
