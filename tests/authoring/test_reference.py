"""The tables of documents are those of the models."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import Literal

import pytest

from etl_framework.authoring.reference import policies_table, sources_table, with_tables
from etl_framework.sources.files import FilesSource
from tests.conftest import REPOSITORY


@pytest.mark.parametrize(
    ("document", "table"), [("README.md", sources_table), ("docs/policies.md", policies_table)]
)
def test_a_document_has_its_table_as_it_is(document: str, table: Callable[[], str]) -> None:
    text = (REPOSITORY / document).read_text(encoding="utf-8")

    assert with_tables(text) == text, "run: make docs"
    assert table() in text


def test_a_source_that_is_added_is_a_row() -> None:
    class Lines(FilesSource):
        """Text files; each line is one row.

        And more, which the table has no room for.
        """

        type: Literal["text_lines"]
        skip: int = 0

    row = "| `text_lines` | Text files; each line is one row | `path`, `exclude`, `archive`, "
    table = sources_table()
    del Lines
    gc.collect()

    assert f"{row}`new_files`, `wait`, `deferrable`, `skip` |\n" in table


def test_what_is_between_the_marks_is_written_anew() -> None:
    text = "a\n<!-- sources, made by `make docs` -->\n\nold\n<!-- end of sources -->\nb\n"

    made = with_tables(text)

    assert "old" not in made
    assert made.startswith("a\n") and made.endswith("<!-- end of sources -->\nb\n")
    assert with_tables(made) == made
