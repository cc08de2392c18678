"""Tables for people: they fit into the terminal, and no number is cut."""

from __future__ import annotations

import os

import pytest

from etl_framework.cli import table

COLUMNS = ["name", "rows", "told"]
ROWS = [("a" * 50, 1_234_567_890_123, "b" * 70), ("c", 1, "d")]


@pytest.mark.parametrize("columns", [40, 60, 80, 132])
def test_it_fits(columns: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(table.shutil, "get_terminal_size", lambda: os.terminal_size((columns, 24)))
    lines = table.text_table(COLUMNS, ROWS).splitlines()

    assert max(map(len, lines)) <= columns
    assert all("1234567890123" in line for line in lines[2:3])


def test_too_narrow_for_anything(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr(table.shutil, "get_terminal_size", lambda: os.terminal_size((10, 24)))
    lines = table.text_table(COLUMNS, ROWS).splitlines()

    assert lines[2] == "aaaaaaa…  1234567890123  bbbbbbb…"
    assert table.text_table(["n"], [(12345678901,)]).splitlines()[2] == "12345678901"


def test_a_file_has_it_all() -> None:
    assert "b" * 59 + "…" in table.text_table(COLUMNS, ROWS)
    assert "a" * 50 in table.text_table(COLUMNS, ROWS)
