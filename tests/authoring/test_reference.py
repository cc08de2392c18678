"""README's tables are those of the models."""

from __future__ import annotations

import gc
from typing import Literal

from etl_framework.authoring.reference import sources_table, with_tables
from etl_framework.sources.files import FilesSource
from tests.conftest import REPOSITORY


def test_the_readme_has_the_tables_as_they_are() -> None:
    readme = (REPOSITORY / "README.md").read_text(encoding="utf-8")

    assert with_tables(readme) == readme, "run: make docs"
    assert sources_table() in readme


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
