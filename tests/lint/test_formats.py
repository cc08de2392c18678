"""Each format tells the same findings, in the way that its reader expects."""

from __future__ import annotations

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from xml.etree import ElementTree as Xml

import jsonschema
import pytest

from etl_framework.errors import Diagnostic
from etl_framework.lint.formats import FORMATS, as_frames
from etl_framework.lint.linter import Linter
from etl_framework.lint.pages import page
from tests.conftest import REPOSITORY as ROOT
from tests.conftest import Folder
from tests.lint.test_cases import CASES

BAD = CASES / "everything_at_once"
SCHEMA = CASES.parent / "sarif-schema-2.1.0.json"
ODD = [
    Diagnostic("", 0, 0, "R100", "nowhere"),
    Diagnostic("a, b:c%.yml", 0, 0, "E101", "a whole\nfile: 100%", "do | this"),
    Diagnostic("ä/ö.sql", 3, 7, "W999", "with \x1b[31m and \x00", "", "warning"),
]


@pytest.fixture(scope="module")
def problems() -> list[Diagnostic]:
    return Linter(BAD).look()


def places_in(format_: str, text: str) -> list[tuple[str, int, int, str]]:
    """Path, line, column and code of each finding, read back."""
    if format_ == "json":
        return [(p["path"], p["line"], p["column"], p["code"]) for p in json.loads(text)]
    if format_ == "sarif":
        found = []
        for result in json.loads(text)["runs"][0]["results"]:
            at = result["locations"][0]["physicalLocation"]
            region = at["region"]
            found.append((at["artifactLocation"]["uri"], region["startLine"],
                          region["startColumn"], result["ruleId"]))  # fmt: skip
        return found
    if format_ == "junit":
        cases = list(Xml.fromstring(text).iter("testcase"))
        names = [re.split("[ :]", case.attrib["name"]) for case in cases]
        return [(case.attrib["classname"], int(line), int(column), code)
                for case, (code, line, column) in zip(cases, names, strict=True)]  # fmt: skip
    pattern = {
        "text": r"^(\S+?):(\d+):(\d+): (\w+) ",
        "github": r"^::error file=(.+?),line=(\d+),col=(\d+),title=(\w+)::",
        "markdown": r"^\| `(.+?):(\d+):(\d+)` \| (\w+) \|",
    }[format_]
    found = re.findall(pattern, text, re.MULTILINE)
    return [(path, int(line), int(column), code) for path, line, column, code in found]


@pytest.mark.parametrize("format_", FORMATS)
def test_every_format_has_every_finding(format_: str, problems: list[Diagnostic]) -> None:
    text = FORMATS[format_](problems, BAD)

    expected = [(p.path, p.line, p.column, p.code) for p in problems]
    assert places_in(format_, text) == expected


@pytest.mark.parametrize("found", [[], ODD], ids=["none", "odd"])
def test_sarif_is_as_its_schema_says(found: Sequence[Diagnostic]) -> None:
    text = FORMATS["sarif"](found, BAD)

    jsonschema.validate(json.loads(text), json.loads(SCHEMA.read_text(encoding="utf-8")))


def test_findings_in_sarif_are_as_its_schema_says(problems: list[Diagnostic]) -> None:
    jsonschema.validate(
        json.loads(FORMATS["sarif"](problems, BAD)),
        json.loads(SCHEMA.read_text(encoding="utf-8")),
    )


def test_what_machines_take_for_their_own_is_escaped() -> None:
    github = FORMATS["github"](ODD, BAD)
    assert "::error file=a%2C b%3Ac%25.yml,title=E101::a whole%0Afile: 100%25%0Ahint: do" in github
    assert len(github.splitlines()) == 3
    assert "do \\| this" in FORMATS["markdown"](ODD, BAD)
    assert [case.attrib["name"] for case in Xml.fromstring(FORMATS["junit"](ODD, BAD)).iter(
        "testcase")] == ["R100 0:0", "E101 0:0", "W999 3:7"]  # fmt: skip


def test_a_terminal_sees_the_line_and_the_place(tmp_path: Path) -> None:
    (tmp_path / "p.yml").write_text("a: 1\n  名前: \x1b[31mtypo # there\n" + "x" * 300 + "y\n")
    found = as_frames(
        [
            Diagnostic("p.yml", 2, 12, "E1", "wrong", "mend it"),
            Diagnostic("p.yml", 3, 301, "E2", "far"),
            Diagnostic("p.yml", 99, 1, "E3", "beyond"),
            Diagnostic("gone.yml", 1, 1, "E4", "no file"),
        ],
        tmp_path,
    )

    lines = found.splitlines()
    assert lines[:4] == [
        "p.yml:2:12: E1 wrong",
        "  2 |   名前:  [31mtypo # there",
        "    |              ^^^^",
        "  hint: mend it",
    ]
    assert lines[5] == "  3 | " + "x" * 60 + "y"
    assert lines[6].endswith(" " * 60 + "^")
    assert lines[7:] == ["p.yml:99:1: E3 beyond", "gone.yml:1:1: E4 no file"]


@pytest.mark.parametrize(
    ("text", "column", "frame"),
    [
        pytest.param(b"a:\tb: typo\n", 7, ["  1 | a: b: typo", "    |       ^^^^"], id="a tab"),
        pytest.param("a: 漢字 typo\n".encode(), 7, ["  1 | a: 漢字 typo", "    |         ^^^^"],
                     id="wide letters"),
        pytest.param("a: e\u0301 typo\n".encode(), 7, ["  1 | a: e\u0301 typo", "    |      ^^^^"],
                     id="a letter of two characters"),
        pytest.param("a: 🎤 typo\n".encode(), 6, ["  1 | a: 🎤 typo", "    |       ^^^^"],
                     id="an emoji"),
        pytest.param(b"\xef\xbb\xbfa: typo\r\nb: 1\r\n", 4, ["  1 | a: typo", "    |    ^^^^"],
                     id="a mark of byte order, line ends of Windows"),
        pytest.param(b"a: typo", 8, ["  1 | a: typo", "    |        ^"], id="behind the line"),
        pytest.param(b"a: \xe4typo\n", 4, ["  1 | a: \ufffdtypo", "    |    ^"], id="no UTF-8"),
    ],
)  # fmt: skip
def test_a_caret_is_below_the_place(
    tmp_path: Path, text: bytes, column: int, frame: list[str]
) -> None:
    (tmp_path / "p.yml").write_bytes(text)

    found = as_frames([Diagnostic("p.yml", 1, column, "E1", "wrong")], tmp_path)

    assert found.splitlines()[1:] == frame


def test_a_terminal_sees_the_same_findings_with_frames(orders: Folder) -> None:
    file = orders.root / "pipelines/orders.yml"
    file.write_text(file.read_text().replace("schedule:", "schedul:"))
    plain = orders.etl("lint")
    read, write = pty.openpty()
    done = subprocess.run(
        [sys.executable, "-m", "etl_framework", "lint"], cwd=orders.root, stdout=write,
        stderr=subprocess.PIPE, text=True, check=False, env={**os.environ, "PYTHONPATH": str(ROOT)},
    )  # fmt: skip
    os.close(write)
    shown = os.read(read, 100_000).decode().replace("\r\n", "\n").splitlines()
    os.close(read)

    assert (done.returncode, done.stderr) == (plain.returncode, plain.stderr)
    assert [line for line in shown if " | " not in line] == plain.stdout.splitlines()
    assert shown[1:3] == ['  2 | schedul: "@daily"', "    | ^^^^^^^"]


@pytest.mark.parametrize("format_", ["text", "sarif"])
def test_exit_codes(orders: Folder, format_: str) -> None:
    clean = orders.etl("lint", "--format", format_)
    assert (clean.returncode, clean.stderr) == (0, "0 problems found\n")

    orders.write("setup.cfg", "[etl:lint]\nignor = W4\n")
    stopped = orders.etl("lint", "--format", format_)
    assert (stopped.returncode, stopped.stdout) == (2, "")
    assert "E601 unknown key 'ignor'" in stopped.stderr


def test_sarif_has_the_page_of_each_rule(problems: list[Diagnostic]) -> None:
    driver = json.loads(FORMATS["sarif"](problems, BAD))["runs"][0]["tool"]["driver"]

    rules = {rule["id"]: rule for rule in driver["rules"]}
    assert rules["E202"]["shortDescription"] == {"text": "an unknown key"}
    assert rules["E202"]["help"]["markdown"] == page("E202")


def test_the_report_is_on_stdout_and_nothing_else() -> None:
    done = Folder(BAD).etl("lint", "--format", "json")

    assert done.returncode == 1
    assert len(json.loads(done.stdout)) == 9
    assert done.stderr == "9 problems found\n"
