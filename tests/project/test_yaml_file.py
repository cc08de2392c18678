"""Reading YAML: every mistake has its place, and no text changes its meaning in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from etl_framework.project.yaml_file import YamlFile, read_yaml


@pytest.fixture
def read(tmp_path: Path) -> Any:
    """Read a text as a file called `x.yml`."""

    def reader(content: str | bytes) -> YamlFile:
        path = tmp_path / "x.yml"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_yaml(path, "x.yml")

    return reader


def places(file: YamlFile) -> list[tuple[int, int, str]]:
    return [(found.line, found.column, found.code) for found in file.diagnostics]


TRAPS = ["no", "yes", "on", "off", "NO", "08", "012", "-012", "00", "12:30", "12:30:45",
         "1_000", "1_000.5", "1e3", "1.5e3", "1e-3", ".5e3", "0b11", "0o17"]  # fmt: skip


@pytest.mark.parametrize("text", [pytest.param(t, id=f"{t} is a trap") for t in TRAPS])
def test_a_text_that_yaml_versions_read_differently_is_an_error(read: Any, text: str) -> None:
    assert places(read(f"a:\n  - {text}\n")) == [(2, 5, "E104")]
    of_key = [] if text == "on" else [(1, 5, "E104")]  # `on` is a key of checks
    assert places(read(f"a: {{{text}: 1}}\n")) == of_key


@pytest.mark.parametrize("text", TRAPS)
@pytest.mark.parametrize("mark", ["'", '"'], ids=["single quotes", "double quotes"])
def test_a_quoted_text_stays_a_text(read: Any, text: str, mark: str) -> None:
    file = read(f"a: {mark}{text}{mark}\n{mark}{text}{mark}: 1\n")

    assert file.diagnostics == []
    assert file.data == {"a": text, text: 1}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("0", 0, id="zero"),
        pytest.param("-12", -12, id="a negative number"),
        pytest.param("0.5", 0.5, id="a fraction"),
        pytest.param("true", True, id="true"),
        pytest.param("null", None, id="null"),
        pytest.param("", None, id="nothing"),
        pytest.param("north", "north", id="a word that begins as no does"),
        pytest.param("!!str 12", "12", id="a number that is told to be a text"),
        pytest.param("0 3 * * *", "0 3 * * *", id="a cron expression"),
    ],
)
def test_plain_values(read: Any, text: str, value: object) -> None:
    file = read(f"a: {text}\n")

    assert (file.data, file.diagnostics) == ({"a": value}, [])


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param("a: 1\nb: 2\na: 3\n", (3, 1, "E103"), id="a key twice"),
        pytest.param("a:\n  b: {c: 1, c: 2}\n", (2, 13, "E103"), id="a key twice in one line"),
        pytest.param("1: a\n'1': b\n", (2, 1, "E103"), id="a key twice, once in quotes"),
        pytest.param("a:\n\tb: 1\n", (2, 1, "E102"), id="a tab"),
        pytest.param("\ufeffa: no\n", (1, 4, "E104"), id="a mark of byte order counts nothing"),
        pytest.param('a: 1\nb: "x\\0y"\n', (2, 4, "E104"), id="a NUL in a text"),
        pytest.param("a: 1\r\nb: no\r\n", (2, 4, "E104"), id="line ends of Windows"),
        pytest.param("ä: no\n", (1, 4, "E104"), id="columns are characters and not bytes"),
        pytest.param(b"a: 1\nb: \xe4\n", (2, 4, "E101"), id="Latin-1"),
        pytest.param("a: no\n".encode("utf-16"), (1, 1, "E101"), id="UTF-16"),
        pytest.param("a: b: c\n", (1, 5, "E102"), id="a colon in a text"),
        pytest.param("a: *x\n", (1, 4, "E102"), id="an alias without its anchor"),
        pytest.param("a: 1\n---\nb: 2\n", (2, 1, "E102"), id="two documents"),
        pytest.param("a: &x {b: 1}\nc:\n  <<: *x\n", (3, 3, "E105"), id="a merge key"),
        pytest.param("a: !x 1\n", (1, 4, "E105"), id="a tag on a text"),
        pytest.param("a: !x {b: 1}\n", (1, 4, "E105"), id="a tag on a mapping"),
        pytest.param("a: !x [1]\n", (1, 4, "E105"), id="a tag on a list"),
        pytest.param("!x a: 1\n", (1, 1, "E105"), id="a tag on a key"),
        pytest.param("a: !!python/name:os.system\n", (1, 4, "E105"), id="a tag of Python"),
        pytest.param("a: !!python/object/apply:os.system [x]\n", (1, 4, "E105"), id="a call"),
        pytest.param("a: !!set {b}\n", (1, 4, "E105"), id="a set"),
        pytest.param("a: !!binary aGk=\n", (1, 4, "E105"), id="binary data"),
        pytest.param("a: !!int x\n", (1, 4, "E104"), id="a tag that the text does not fit"),
        pytest.param("a: !!bool x\n", (1, 4, "E104"), id="a boolean that is none"),
        pytest.param("a: !!timestamp x\n", (1, 4, "E104"), id="a timestamp that is none"),
        pytest.param("a: 2024-13-45\n", (1, 4, "E104"), id="a date that does not exist"),
        pytest.param("a: =\n", (1, 4, "E104"), id="an equals sign"),
        pytest.param("a: 1\nb: x\x07\n", (2, 5, "E102"), id="a control character"),
        pytest.param(f"a: {'9' * 5000}\n", (1, 4, "E104"), id="a number without end"),
    ],
)
def test_one_mistake(read: Any, content: str | bytes, expected: tuple[int, int, str]) -> None:
    file = read(content)

    assert places(file) == [expected]
    assert all("\n" not in found.message and len(found.message) < 300 for found in file.diagnostics)


BOMB = "a: &a [x,x,x,x,x,x,x,x,x,x]\n" + "".join(
    f"{new}: &{new} [{','.join([f'*{old}'] * 10)}]\n"
    for old, new in zip("abcdefgh", "bcdefghi", strict=True)
)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param("[" * 60 + "]" * 60, id="deep lists"),
        pytest.param("{a: " * 5000 + "}" * 5000, id="very deep mappings"),
        pytest.param("[" * 20_000, id="lists that are never closed"),
        pytest.param("\n".join(" " * i + "a:" for i in range(300)), id="deep indentation"),
        pytest.param(BOMB, id="aliases that explode"),
        pytest.param("&a [*a]", id="a list in itself"),
        pytest.param("a: &x\n  b: *x\n", id="a mapping in itself"),
    ],
)
def test_too_much_is_one_diagnostic_and_no_traceback(read: Any, content: str) -> None:
    file = read(content)

    assert len(file.diagnostics) == 1
    assert file.diagnostics[0].code in ("E101", "E102")
    assert file.data is None


def test_several_mistakes_are_all_reported(read: Any) -> None:
    file = read("a: no\nb: {c: 08, c: 1}\noff: !x 1\n")

    assert places(file) == [(1, 4, "E104"), (2, 8, "E104"), (2, 12, "E103"), (3, 1, "E104"),
                            (3, 6, "E105")]  # fmt: skip


@pytest.mark.parametrize(
    ("content", "word"),
    [
        pytest.param("a:\n\tb: 1\n", "tabs", id="a tab"),
        pytest.param("a: @daily\n", "quote", id="a preset without quotes"),
        pytest.param("a: b: c\n", "quotes", id="a colon"),
        pytest.param("a: 012\n", '"012"', id="an octal number"),
    ],
)
def test_the_hint_says_what_to_do(read: Any, content: str, word: str) -> None:
    assert word in read(content).diagnostics[0].hint


def test_a_control_character_is_not_called_a_tab(read: Any) -> None:
    assert "tab" not in read("a: x\x07\n").diagnostics[0].hint


def test_a_missing_file_is_a_diagnostic(tmp_path: Path) -> None:
    file = read_yaml(tmp_path / "none.yml", "none.yml")

    assert [str(found) for found in file.diagnostics] == [
        "none.yml: E101 cannot read the file: No such file or directory"
    ]


def test_places_of_keys_and_values(read: Any) -> None:
    file = read("a:\n  b: [x, {c: 1}]\n")

    assert file.place(("a", "b"), of_key=True) == (2, 3)
    assert file.place(("a", "b", 1, "c")) == (2, 14)
    assert file.place(("a", "b", 1, "nothing", "here")) == (2, 10)
