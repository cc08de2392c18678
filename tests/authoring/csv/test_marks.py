"""Delimiters, quotes, encodings and headers are found, or a sentence says what is wrong."""

from __future__ import annotations

from typing import Any

import pytest

from tests.authoring.csv.conftest import ImportCsv

TABBED = "ns\ttitle\n" + "".join(f"0\tt{n}\n" for n in range(20)) + '0\t"\n0\t!"\n0\t"a"b\n0\tx\n'
LATE = "n\tt\n" + "".join(f"{n}\t{'x' * 100}\n" for n in range(12_000)) + '5\t"\n6\t!"\n'


@pytest.mark.parametrize(
    ("content", "keys", "last"),
    [
        pytest.param(TABBED, {"delimiter": "\t", "quote": ""}, (0, "x"), id="no quotes"),
        pytest.param(LATE, {"delimiter": "\t", "quote": ""}, (6, '!"'), id="no quotes, seen late"),
        pytest.param('i,v\n1,"a \\"b\\" c"\n3,"y \\"z\\""\n', {"escape": "\\"}, (3, 'y "z"'),
                     id="backslashes"),
        pytest.param('i,v\n1,"C:\\"\n', {}, (1, "C:\\"), id="a backslash that is none"),
        pytest.param('i,v\n1,"a\nb,c"\n', {}, (1, "a\nb,c"), id="a value of two lines"),
        pytest.param("i,v\n1,'x,y'\n2,'z'\n", {"quote": "'"}, (2, "z"), id="apostrophes"),
        pytest.param("i,v\n1,'tis\n2,it's\n", {}, (2, "it's"), id="apostrophes in texts"),
        pytest.param("i;v\n1;2,5\n2;3,5\n", {"delimiter": ";"}, (2, "3,5"), id="decimal commas"),
        pytest.param("1,5;2,5\n3,5;4,5\n", {"delimiter": ";", "header": False}, ("3,5", "4,5"),
                     id="nothing else"),
        pytest.param('i,v\n1,"x\n2,y\n', {"quote": ""}, (2, "y"), id="a quote without an end"),
        pytest.param("i,v\r\n1,a\r\n2,b\r\n", {}, (2, "b"), id="lines of Windows"),
        pytest.param("T\n" * 50, {"header": False}, ("T",), id="the same text in all rows"),
        pytest.param("2008-01-01\n" * 50, {"header": False}, None, id="dates only"),
        pytest.param("007\n008\n", {"header": False}, ("008",), id="leading zeros only"),
        pytest.param("code\n007\n008\n", {}, ("008",), id="leading zeros below a name"),
        pytest.param("k,v\na,x\nb,y\n", {}, ("b", "y"), id="texts only"),
        pytest.param("\ufeffi,v\n1,a\n", {}, (1, "a"), id="a mark of UTF-8"),
        pytest.param("i,v\n1,é\n".encode("utf-16"), {"encoding": "utf-16"}, (1, "é"), id="UTF-16"),
        pytest.param("i,v\n1,é\n".encode("utf-16-le"), {"encoding": "utf-16-le"}, (1, "é"),
                     id="UTF-16 without a mark"),
        pytest.param("i,v\n1,é\n".encode("utf-32"), {"encoding": "utf-32"}, (1, "é"), id="UTF-32"),
        pytest.param("col1|co\0l2\n1|2\n", {"delimiter": "|"}, (1,), id="NUL in the header"),
        pytest.param("id,ID,x\n1,2,c\n", {}, (1, 2, "c"), id="names that differ in case"),
        pytest.param("a,b,a\n0,1,x\n", {}, (1,), id="double names"),
        pytest.param("1st,2nd\n1,2\n", {}, (1, 2), id="names that start with a digit"),
        pytest.param('id,"order\nday"\n1,x\n', {}, (1, "x"), id="a name of two lines"),
        pytest.param("sep=;\nid;a\n1;x\n", {"delimiter": ";", "skip": 1}, (1, "x"), id="sep="),
        pytest.param("# export 2024\nid,a\n1,x\n2,y\n", {"skip": 1}, (2, "y"), id="a comment"),
        pytest.param('Report "x\n\nid,a\n1,x\n2,y\n3,z\n', {"skip": 1}, (3, "z"), id="a title"),
        pytest.param("\n\nid,a\n1,x\n", {}, (1, "x"), id="blank lines"),
        pytest.param(",a,b\n0,1,x\n1,2,y\n", {}, (2, "y"), id="a column without a name"),
        pytest.param("a\n", {"may_be_empty": True}, None, id="no rows"),
        pytest.param("a b,größe,東京\n1,2,x\n", {}, (1, 2, "x"), id="odd names"),
    ],
)  # fmt: skip
def test_how_a_file_is_written(
    import_csv: ImportCsv, content: str | bytes, keys: dict[str, Any], last: tuple[Any, ...] | None
) -> None:
    outcome = import_csv(content)

    assert outcome.verdict == "imports", outcome.text
    known = {"type", "connection", "path", "columns"}
    assert {k: v for k, v in outcome.source.items() if k not in known} == keys
    if last:
        assert tuple(outcome.rows[-1].values()) == last


@pytest.mark.parametrize(
    ("content", "words"),
    [
        pytest.param("", "in.csv is empty", id="empty"),
        pytest.param('"a","b"\n"1",2,3\n"2",4,5\n', "2 names, and most rows have 3 values",
                     id="numbers of rows without a name"),
        pytest.param("a,a\n0,x\n", "no column of 'in.csv' has a name of its own", id="no names"),
        pytest.param("i,a\n1,Müller\n".encode("cp1252"), "in.csv:2:4: the text is not UTF-8",
                     id="another encoding"),
        pytest.param("a,b\n0,1,x\n1,2\n", "in.csv:2:3: the row has too many values", id="ragged"),
        pytest.param(b"PK\x03\x04\x00", "a ZIP archive or an Excel workbook", id="Excel"),
    ],
)  # fmt: skip
def test_why_a_file_is_refused(import_csv: ImportCsv, content: str | bytes, words: str) -> None:
    outcome = import_csv(content)

    assert outcome.verdict == "refused", outcome.text
    assert words in outcome.text


def test_the_header_counts_up(import_csv: ImportCsv) -> None:
    outcome = import_csv("country,2019,2020,2021\nDE,1,2,3\nFR,4,5,6\n")

    assert [row["country"] for row in outcome.rows] == ["DE", "FR"]
    assert '{name: c_2019, type: bigint, from: "2019"}' in outcome.text


def test_characters_that_yaml_lacks_are_escaped(import_csv: ImportCsv) -> None:
    assert "# co\\x00l: no column can be called so" in import_csv("a,co\0l\n1,2\n").text


def test_a_thousand_columns(import_csv: ImportCsv) -> None:
    header, rows = ",".join(f"c{n}" for n in range(1700)), ",".join(map(str, range(1700)))

    outcome = import_csv(f"{header}\n{rows}\n")

    assert outcome.verdict == "imports", outcome.text
    assert len(outcome.source["columns"]) == 1600
    assert outcome.rows[0]["c1599"] == 1599
    assert "      # - {name: c1699, type: bigint}" in outcome.text
