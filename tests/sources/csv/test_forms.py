"""How files are written: every form is read alike, quickly and record by record."""

from __future__ import annotations

import gzip
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from etl_framework.lint.linter import Linter
from etl_framework.sources.csv import read
from tests.conftest import Folder
from tests.sources.conftest import ReadCsv

D = Decimal
ID = "id integer"
Rows = list[tuple[Any, ...]]


@pytest.fixture(params=["quick", "careful"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """The way in which files are read."""
    if request.param == "careful":
        monkeypatch.setattr(read, "needs_care", lambda *_: True)
    return str(request.param)


CASES: list[tuple[str, tuple[str, ...], str, str | bytes, Rows, list[int]]] = [
    (
        "spaces around quotes",
        (ID, "s varchar(20)"),
        "",
        'id,s\n1, "a"\n2,"b, c" \n"3" ,"d""e"\n 4,f\n 5 , g \n',
        [(1, "a"), (2, "b, c"), (3, 'd"e'), (4, "f"), (5, " g ")],
        [],
    ),
    (
        "spaces around quotes, and a text behind one",
        (ID, "s varchar(20)"),
        "",
        'id,s\n1, "a"\n2, "b"c\n3, "d"\n',
        [(1, "a"), (3, "d")],
        [3],
    ),
    (
        "several lines in spaced quotes",
        (ID, "s varchar(20)"),
        "",
        'id,s\n1, "a\nb" \n2,c\n',
        [(1, "a\nb"), (2, "c")],
        [],
    ),
    ("a blank line in one column", ("s varchar(20)",), "", "s\na\n\nb\n\n\n", [("a",), ("b",)], []),
    (
        "a quoted empty text in one column",
        ("s varchar(20)",),
        "",
        's\na\n""\nb\n',
        [("a",), ("",), ("b",)],
        [],
    ),
    (
        "one delimiter behind",
        (ID, "s varchar(20)"),
        "",
        "id,s\n1,a,\n2,b\n",
        [(1, "a"), (2, "b")],
        [],
    ),
    ("two delimiters behind", (ID, "s varchar(20)"), "", "id,s\n1,a,,\n2,b\n", [(2, "b")], [2]),
    (
        "two delimiters behind, at the end",
        (ID, "s varchar(20)"),
        "",
        "id,s\n2,b\n1,a,,",
        [(2, "b")],
        [3],
    ),
    (
        "two empty values",
        (ID, "s varchar(20)", "t varchar(20)"),
        "",
        "id,s,t\n1,,\n2,b,c\n",
        [(1, None, None), (2, "b", "c")],
        [],
    ),
    (
        "years of two digits",
        (ID, "d date"),
        "",
        "id,d\n1,05-01-24\n2,31-12-24\n3,0005-01-24\n",
        [(3, date(5, 1, 24))],
        [2, 3],
    ),
    ("zones of dates", (ID, "d date"), "", "id,d\n1,2024-01-05+02\n2,2024-01-06Z\n", [], [2, 3]),
    (
        "words for dates",
        (ID, "d date", "t timestamp"),
        "",
        "id,d,t\n1,epoch,2024-01-05 10:00:00\n2,1970-01-01,1970-01-01 00:00:00\n"
        "3,2024-01-05,epoch\n",
        [(2, date(1970, 1, 1), datetime(1970, 1, 1))],
        [2, 4],
    ),
    (
        "names of zones",
        (ID, "t timestamptz"),
        "",
        "id,t\n1,2024-01-05 10:00:00 BST\n2,2024-01-05 10:00:00+02\n3,2024-01-05 10:00:00 UTC\n",
        [(2, datetime(2024, 1, 5, 8, tzinfo=UTC)), (3, datetime(2024, 1, 5, 10, tzinfo=UTC))],
        [2],
    ),
    (
        "numbers with _",
        (ID, "n integer", "d decimal(10,2)"),
        "",
        "id,n,d\n1,1_000,1\n2,2000,2_0.5\n3,3000,3.5\n",
        [(3, 3000, D("3.50"))],
        [2, 3],
    ),
    (
        "numbers out of range",
        (ID, "f double precision"),
        "",
        "id,f\n1,1e400\n2,inf\n3,1e-400\n4,0.5\n",
        [(2, float("inf")), (4, 0.5)],
        [2, 4],
    ),
    ("two signs", (ID, "n integer"), "", "id,n\n1,+-1\n2,+1\n", [(2, 1)], [2]),
    (
        "skip",
        (ID, "s varchar(20)"),
        "skip: 2",
        'Report "A"\nof today\nid,s\n1,a\nx,b\n',
        [(1, "a")],
        [5],
    ),
    (
        "skip without a header",
        (ID, "s varchar(20)"),
        "skip: 1, header: false",
        "Report\n1,a\nx,b\n",
        [(1, "a")],
        [3],
    ),
    (
        "skip, and quotes over lines",
        (ID, "s varchar(20)"),
        "skip: 3",
        '"A\nB"\n"C"\nid,s\n1,a\nx,b\n',
        [(1, "a")],
        [6],
    ),
    (
        "blank lines before the header",
        (ID, "s varchar(20)"),
        "",
        "\n\r\n\nid,s\n1,a\nx,b\n",
        [(1, "a")],
        [6],
    ),
    (
        "a header of several lines",
        (ID, 's varchar(20); from: "s\\nt"'),
        "",
        'id,"s\nt"\n1,a\nx,b\n',
        [(1, "a")],
        [4],
    ),
    ("a header in another case", (ID, "s varchar(20)"), "", "ID,S\n1,a\nx,b\n", [(1, "a")], [3]),
    (
        "names that differ by case",
        (ID, "s varchar(20)", 'other varchar(20); from: "S"'),
        "",
        "id,S,s\n1,a,b\n",
        [(1, "b", "a")],
        [],
    ),
    (
        "columns of any name",
        (
            'n integer; from: "Order ID"',
            'g varchar(20); from: "größe"',
            'o varchar(9); from: "order"',
        ),
        "",
        "order,größe,Order ID\nx,y,1\nx,y,z\n",
        [(1, "y", "x")],
        [3],
    ),
    (
        "another column is called so",
        (ID, 's varchar(20); from: "t"'),
        "",
        "id,s,t\n1,no,yes\n",
        [(1, "yes")],
        [],
    ),
    (
        "a name twice that is not declared",
        (ID, "s varchar(20)"),
        "",
        "id,x,s,x\n1,2,a,3\n",
        [(1, "a")],
        [],
    ),
    (
        "footer",
        (ID, "s varchar(20)"),
        "footer: 2",
        "id,s\n1,a\nx,b\nTotal,2\n\nend of file\n\n",
        [(1, "a")],
        [3],
    ),
    (
        "footer longer than the file",
        (ID, "s varchar(20)"),
        "footer: 9, may_be_empty: true",
        "id,s\n1,a\n",
        [],
        [],
    ),
    (
        "comment",
        (ID, "s varchar(20)"),
        'comment: "#"',
        "# made today\nid,s\n# first\n1,a#b\n#x\nx,b\n",
        [(1, "a#b")],
        [6],
    ),
    (
        "more comments than a header has lines",
        (ID, "s varchar(20)"),
        'comment: "#"',
        "# a licence\n" * 1200 + "id,s\n1,a\nx,b\n",
        [(1, "a")],
        [1203],
    ),
    (
        "more blank lines than a header has lines",
        (ID, "s varchar(20)"),
        "header: true",
        "\n" * 1200 + "id,s\n1,a\nx,b\n",
        [(1, "a")],
        [1203],
    ),
    (
        "more comments, and no header",
        (ID, "s varchar(20)"),
        'comment: "#", header: false',
        "# a licence\n" * 1200 + "1,a\nx,b\n",
        [(1, "a")],
        [1202],
    ),
    (
        "comment and quotes",
        (ID, "s varchar(20)"),
        'comment: "#"',
        'id,s\n1,"a\n#b"\n#x\nx,b\n',
        [(1, "a\n#b")],
        [5],
    ),
    (
        "trim",
        (ID, "s varchar(20)", "n integer"),
        'trim: true, null_values: ["NA"]',
        'id,s,n\n1, a ,  7\n2,   ,   \n3, NA ,NA\n4," b ",x\n',
        [(1, "a", 7), (2, None, None), (3, None, None)],
        [5],
    ),
    (
        "a decimal comma",
        (ID, "d decimal(10,2)", "f double precision", "n integer"),
        'delimiter: ";", decimal_separator: ","',
        "id;d;f;n\n1;1,5;0,25;7\n2;1.5;1;1\n3;1,555;1;1\n4;1;1;1,5\n",
        [(1, D("1.50"), 0.25, 7)],
        [3, 4, 5],
    ),
    (
        "groups of thousands",
        (ID, "d decimal(12,2)", "n bigint"),
        'delimiter: ";", decimal_separator: ",", thousands_separator: "."',
        "id;d;n\n1;1.234.567,8;12.345\n2;1234567,89;7\n3;1.23,4;1\n4;1,234.5;1\n",
        [(1, D("1234567.80"), 12345), (2, D("1234567.89"), 7)],
        [4, 5],
    ),
    (
        "true and false",
        (ID, "b boolean"),
        "true_values: [ja, J], false_values: [nein]",
        "id,b\n1,ja\n2,nein\n3,J\n4,true\n5,\n",
        [(1, True), (2, False), (3, True), (5, None)],
        [5],
    ),
    (
        "formats",
        (ID, "d date; format: DD.MM.YYYY", "t timestamp; format: MM/DD/YYYY HH:MI AM"),
        "",
        "id,d,t\n1,31.01.2024,01/31/2024 11:05 PM\n2,2024-01-31,01/31/2024 11:05 PM\n"
        "3,31.02.2024,01/31/2024 11:05 PM\n4,31.01.24,01/31/2024 11:05 PM\n5,,\n",
        [(1, date(2024, 1, 31), datetime(2024, 1, 31, 23, 5)), (5, None, None)],
        [3, 4, 5],
    ),
    (
        "years of two digits that are declared",
        (ID, "d date; format: DD.MM.YY"),
        "",
        "id,d\n1,31.01.24\n2,31.01.70\n3,31.01.2024\n",
        [(1, date(2024, 1, 31)), (2, date(1970, 1, 31))],
        [4],
    ),
    (
        "seconds since 1970",
        (ID, "t timestamp; format: epochsecs", "z timestamptz; format: epochmillisecs"),
        "",
        "id,t,z\n1,1700000000,1700000000500\n2,1700000000.25,x\n",
        [
            (
                1,
                datetime(2023, 11, 14, 22, 13, 20),
                datetime(2023, 11, 14, 22, 13, 20, 500000, tzinfo=UTC),
            )
        ],
        [3],
    ),
    (
        "a format with a zone",
        (ID, 't timestamptz; format: "YYYY-MM-DDTHH24:MI:SSOF"'),
        "",
        "id,t\n1,2024-01-31T10:00:00+0200\n",
        [(1, datetime(2024, 1, 31, 8, tzinfo=UTC))],
        [],
    ),
]


@pytest.mark.parametrize(
    ("columns", "options", "text", "kept", "rejected"),
    [pytest.param(*case[1:], id=case[0]) for case in CASES],
)
def test_a_form(
    read_csv: ReadCsv,
    way: str,
    columns: tuple[str, ...],
    options: str,
    text: str,
    kept: Rows,
    rejected: list[int],
) -> None:
    lines = [f"{option}" for option in options.split(", ") if option]
    joined: list[str] = []
    for line in lines:  # a list may hold commas
        if ":" in line:
            joined.append(line)
        else:
            joined[-1] += f", {line}"

    reading = read_csv({"1.csv": text}, columns, "\n    ".join(["max_rejected: '100%'", *joined]))

    assert sorted(reading.kept, key=str) == sorted(kept, key=str)
    assert [row.line for row in reading.rejected] == rejected


def test_files_of_different_forms_are_one_source(read_csv: ReadCsv, way: str) -> None:
    files: dict[str, str | bytes] = {
        "1.csv": "id,s\n1,a\n",
        "2.csv": "",
        "3.csv": "S,ID\nb,2\n",
        "4.csv": "\n\nid,s\n3,c\n",
        "5.csv": gzip.compress(b"id,s\n4,d\nx,e\n"),
        "6.csv": b"\xef\xbb\xbfid,s\r\n5,f\r\n",
    }

    reading = read_csv(files, (ID, "s varchar(20)"))

    assert sorted(reading.kept) == [(1, "a"), (2, "b"), (3, "c"), (4, "d"), (5, "f")]
    assert [(row.file, row.line) for row in reading.rejected] == [("orders/5.csv", 3)]


def test_names_are_left_out(read_csv: ReadCsv) -> None:
    files: dict[str, str | bytes] = {"1.csv": "id\n1\n", "_SUCCESS": "", ".1.csv.crc": "\0"}

    reading = read_csv(files, (ID,), 'exclude: ["_*", "*.crc"]')

    assert reading.kept == [(1,)]


@pytest.mark.parametrize(
    ("column", "option", "says"),
    [
        ('{name: a, type: date, format: "QQ"}', "", "'QQ' is no part of a format"),
        ('{name: a, type: date, format: "DD.MM"}', "", "says no year"),
        ('{name: a, type: integer, format: "YYYY"}', "", "only a date or a time has a format"),
        ('{name: a, type: date, fromat: "YYYY"}', "", "unknown key 'fromat'"),
        ("{name: b, type: date, from: a}\n      - {name: a, type: date}", "",
         "two columns are read from 'a'"),
        ("{name: a, type: date}", "decimal_separator: ','\n    thousands_separator: ','",
         "are two characters"),
        ("{name: a, type: date}", "true_values: [x]", "give both"),
        ("{name: a, type: date}", "true_values: [x]\n    false_values: [x]", "both true and false"),
        ("{name: a, type: date}", "skip: -1", "greater than or equal to 0"),
    ],
)  # fmt: skip
def test_what_cannot_be_declared(folder: Folder, column: str, option: str, says: str) -> None:
    folder.write(
        "pipelines/p.yml",
        "name: p\nsources:\n  t:\n    type: csv\n    connection: lake\n    path: t.csv\n"
        f"    {option}\n    columns:\n      - {column}\n",
    )

    assert says in "".join(map(str, Linter(folder.root).look()))
