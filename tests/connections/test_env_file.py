"""The `env_file`: variables by the rules of python-dotenv."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from etl_framework.connections.env_file import load_env_file
from etl_framework.errors import ConfigError


@pytest.fixture(autouse=True)
def _environment(monkeypatch: pytest.MonkeyPatch) -> None:
    """Take back afterwards what a file sets."""
    for letter in "ABC":
        monkeypatch.setenv(f"ETL_{letter}", "")
        monkeypatch.delenv(f"ETL_{letter}")


def loaded(folder: Path, text: str) -> dict[str, str]:
    """The variables ETL_A, ETL_B and ETL_C once the file is loaded."""
    file = folder / "vars"
    file.write_bytes(text.encode())
    load_env_file(file)
    return {name: os.environ[name] for name in ("ETL_A", "ETL_B", "ETL_C") if name in os.environ}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("ETL_A=1", "1", id="plain"),
        pytest.param("  export ETL_A = 1", "1", id="exported, with blanks"),
        pytest.param("ETL_A='a # b'", "a # b", id="single quotes"),
        pytest.param(r"ETL_A='it\'s \n'", r"it's \n", id="an escaped quote in single quotes"),
        pytest.param(r'ETL_A="say \"x\"\n"  # c', 'say "x"\n', id="escapes in double quotes"),
        pytest.param('ETL_A="one\ntwo"\n', "one\ntwo", id="two lines in quotes"),
        pytest.param("ETL_A=a # c", "a", id="a comment behind a value"),
        pytest.param("ETL_A=x=y#z", "x=y#z", id="no blank before #, so no comment"),
        pytest.param("ETL_A=", "", id="empty"),
        pytest.param("ETL_A=p@ss/w$rd", "p@ss/w$rd", id="a dollar alone is one"),
        pytest.param("\ufeffETL_A=1\r\n", "1", id="byte order mark and line ends of Windows"),
        pytest.param("ETL_B=b\nETL_A=a${ETL_B}c", "abc", id="another variable of the file"),
        pytest.param("ETL_A=${ETL_NOWHERE:-x}", "x", id="a default for one that is not set"),
        pytest.param("ETL_A=${ETL_NOWHERE}", "", id="one that is set nowhere is empty"),
    ],
)
def test_a_value(tmp_path: Path, text: str, value: str) -> None:
    assert loaded(tmp_path, text)["ETL_A"] == value


def test_what_is_set_already_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ETL_A", "before")

    assert loaded(tmp_path, "ETL_A=file\nETL_B=${ETL_A}") == {"ETL_A": "before", "ETL_B": "before"}


def test_comments_blank_lines_and_names_alone_set_nothing(tmp_path: Path) -> None:
    assert loaded(tmp_path, "# ETL_A=1\n\nETL_B\nETL_C=1") == {"ETL_C": "1"}


def test_all_lines_that_set_nothing_are_named_and_none_is_shown(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as error:
        loaded(tmp_path, "ETL_A=1\n\n\nMY hunter2\n'ETL=B'=hunter2\nETL_C='hunter2\n")

    assert [d.place for d in error.value.diagnostics] == ["vars:4:1: ", "vars:5:1: ", "vars:6:1: "]
    assert "sets no variable" in str(error.value)
    assert "hunter2" not in str(error.value)
    assert "ETL_A" not in os.environ


def test_a_value_with_a_zero_byte_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"vars:2:1: .*sets no variable"):
        loaded(tmp_path, "ETL_A=1\nETL_B=a\0b\n")


def test_another_encoding_is_named(tmp_path: Path) -> None:
    (tmp_path / "vars").write_bytes(b"ETL_A=\xff")

    with pytest.raises(ConfigError, match=r"vars: .*not UTF-8"):
        load_env_file(tmp_path / "vars")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"the file vars .* is not there"):
        load_env_file(tmp_path / "vars")
