"""All files of a path are looked at, for every data interval, within a bound."""

from __future__ import annotations

import pytest
import yaml

from etl_framework.authoring.csv import sample
from etl_framework.errors import ConfigError
from tests.cli.conftest import Etl
from tests.cli.conftest import etl as etl
from tests.cli.test_import import read
from tests.conftest import Folder


@pytest.fixture
def orders(folder: Folder) -> Folder:
    return folder


@pytest.mark.parametrize(
    ("path", "pattern"),
    [
        pytest.param("a/*.csv", "a/*.csv", id="no interval"),
        pytest.param("{{ interval.date }}*.csv", "DDDD-DD-DD*.csv", id="a date"),
        pytest.param("{{ interval.start.strftime('%Y/%m/%d') }}/*", "DDDD/DD/DD/*", id="folders"),
        pytest.param("{{ interval.start.strftime('%b%Y') }}.csv", "*DDDD.csv", id="a month's name"),
    ],
)
def test_a_pattern_for_any_interval(path: str, pattern: str) -> None:
    assert sample.any_interval(path) == pattern.replace("D", "[0-9]")


def test_a_path_that_does_not_render() -> None:
    with pytest.raises(ConfigError, match=r"does not render: .*nowhere"):
        sample.any_interval("{{ nowhere.date }}.csv")


def test_only_files_of_dates_are_those_of_an_interval(folder: Folder, etl: Etl) -> None:
    folder.write("lake/orders/2024-06-25_a.csv", "id,zip\n1,10501\n")
    folder.write("lake/orders/2024-06-26_a.csv", "id,zip\n2,00501\n")
    folder.write("lake/orders/other.csv", "x;y\n")

    done = etl("import", "lake", "orders/{{ interval.date }}*.csv", "--name", "src")

    assert "- {name: zip, type: varchar(10)}" in done.stdout, done.stderr
    assert read(folder, done.stdout) == {"read": 1, "kept": 1, "rejected": 0}


def test_every_file_is_looked_at(folder: Folder, etl: Etl) -> None:
    for number in range(30):
        code = "007" if number == 17 else str(number)
        folder.write(f"lake/f/{number:02}.csv", f"id,code\n{number},{code}\n")

    done = etl("import", "lake", "f/*.csv")

    assert "- {name: code, type: varchar(10)}" in done.stdout
    assert "#" not in done.stdout


def test_columns_that_only_some_files_have(folder: Folder, etl: Etl) -> None:
    folder.write("lake/f/1.csv", "a,b\n1,x\n")
    folder.write("lake/f/2.csv", "c,a\n2024-01-01,2\n")

    done = etl("import", "lake", "f/*.csv", "--name", "src")

    assert [
        column["name"] for column in yaml.safe_load(done.stdout)["sources"]["src"]["columns"]
    ] == ["a"]
    assert "# b: only 1 of 2 files have this column" in done.stdout
    assert read(folder, done.stdout) == {"read": 2, "kept": 2, "rejected": 0}


@pytest.mark.parametrize(
    ("second", "words"),
    [
        pytest.param(
            b"x,y\n1,2\n", "the 2 files of 'f/*.csv' have no column in common", id="others"
        ),
        pytest.param(b"", "f/2.csv is empty, it has not even a header", id="empty"),
        pytest.param("a,b\n1,2\n".encode("utf-16"), "f/2.csv is UTF-16", id="encodings"),
    ],
)
def test_files_that_do_not_go_together(folder: Folder, etl: Etl, second: bytes, words: str) -> None:
    folder.write("lake/f/1.csv", "a,b\n1,2\n")
    (folder.root / "lake/f/2.csv").write_bytes(second)

    done = etl("import", "lake", "f/*.csv")

    assert (done.returncode, done.stdout) == (1, "")
    assert words in done.stderr


def test_what_is_not_looked_at_is_said(
    folder: Folder, etl: Etl, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sample, "MOST_FILES", 3)
    for number in range(9):
        folder.write(f"lake/f/{number}.csv", "a,b\n1,x\n")

    done = etl("import", "lake", "f/*.csv")

    assert "# made from 3 of 9 files, f/0.csv to f/8.csv\n" in done.stdout


@pytest.mark.parametrize(
    ("content", "options", "keys", "row"),
    [
        pytest.param("i,a\n1,Müller\n".encode("cp1252"), ["--encoding", "cp1252"],
                     {"encoding": "cp1252"}, ["i", "a"], id="an encoding"),
        pytest.param(b"i^a\n1^x\n", ["--delimiter", "^"], {"delimiter": "^"}, ["i", "a"],
                     id="a delimiter"),
        pytest.param(b"i\ta,b\n1\tx,y\n", ["--delimiter", "\\t"], {"delimiter": "\t"}, ["i", "a_b"],
                     id="a tab"),
        pytest.param(b"i,a\n1,~x,y~\n", ["--quote", "~"], {"quote": "~"}, ["i", "a"], id="a quote"),
        pytest.param(b'i,a\n1,"x"\n', ["--quote", ""], {"quote": ""}, ["i", "a"], id="no quotes"),
        pytest.param(b"k,v\na,b\n", ["--no-header"], {"header": False}, ["column0", "column1"],
                     id="no header"),
        pytest.param(b"i,a\nNA,NA\n1,x\n", ["--null", "NA"], {"null_values": ["NA"]}, ["i", "a"],
                     id="a word for nothing"),
    ],
)  # fmt: skip
def test_what_the_user_says(
    folder: Folder, etl: Etl, content: bytes, options: list[str], keys: dict[str, object],
    row: list[str],
) -> None:  # fmt: skip
    (folder.root / "lake/in.csv").write_bytes(content)

    done = etl("import", "lake", "in.csv", "--name", "src", *options)

    assert done.returncode == 0, done.stderr
    source = yaml.safe_load(done.stdout)["sources"]["src"]
    assert [column["name"] for column in source.pop("columns")] == row
    assert source == {"type": "csv", "connection": "lake", "path": "in.csv", **keys}
    assert read(folder, done.stdout)["rejected"] == 0


@pytest.mark.parametrize(
    ("options", "words"),
    [
        pytest.param(["--encoding", "klingon"], "there is no encoding 'klingon'", id="encoding"),
        pytest.param(["--delimiter", "||"], "a delimiter is one character", id="delimiter"),
        pytest.param(["--quote", "''"], "a quote is one character", id="quote"),
        pytest.param(["--quote", ","], "three different characters", id="the same twice"),
    ],
)
def test_what_the_user_cannot_say(folder: Folder, etl: Etl, options: list[str], words: str) -> None:
    folder.write("lake/in.csv", "a,b\n1,2\n")

    done = etl("import", "lake", "in.csv", "--delimiter", ",", *options)

    assert (done.returncode, done.stdout) == (2, "")
    assert words in done.stderr
