"""Write the findings of lint for people, and in formats for other programs."""

from __future__ import annotations

import json
import re
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import asdict
from itertools import groupby
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree as Xml

from etl_framework import __version__
from etl_framework.errors import ConfigError, Diagnostic
from etl_framework.lint.pages import page

SARIF = "https://json.schemastore.org/sarif-2.1.0.json"
_WORD = re.compile(r"[\w./]+")
_NOT_IN_XML = re.compile(r"[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def as_text(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write `path:line:column: CODE message` and the hint for every problem."""
    return "".join(f"{problem}\n" for problem in problems)


def as_frames(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write the same for a terminal, with the line itself and carets below the place."""
    files: dict[str, list[str]] = {}
    lines = []
    for problem in problems:
        if problem.path not in files:
            files[problem.path] = _lines(root / problem.path)
        first, *hint = str(problem).split("\n", 1)
        lines += [first, *_frame(files[problem.path], problem), *hint]
    return "".join(f"{line}\n" for line in lines)


def as_json(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write a JSON list with an object for every problem."""
    return json.dumps([asdict(problem) for problem in problems], indent=2) + "\n"


def as_sarif(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write SARIF 2.1.0, which code-scanning services read.

    Source: https://docs.oasis-open.org/sarif/sarif/v2.1.0/sarif-v2.1.0.html
    """
    driver = {
        "name": "etl-framework",
        "version": __version__,
        "rules": [_rule(code) for code in sorted({problem.code for problem in problems})],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "results": [_result(problem) for problem in problems],
    }
    return json.dumps({"$schema": SARIF, "version": "2.1.0", "runs": [run]}, indent=2) + "\n"


def as_github(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write workflow commands that annotate a change on GitHub.

    Source: docs.github.com, "Workflow commands for GitHub Actions".
    """
    commands = []
    for problem in problems:
        where = {"file": problem.path}
        if problem.line:
            where |= {"line": str(problem.line), "col": str(problem.column)}
        where["title"] = problem.code
        named = ",".join(f"{name}={_escaped(value, ':,')}" for name, value in where.items())
        message = _escaped(f"{problem.message}\n{_hint(problem)}".strip())
        commands.append(f"::{problem.severity} {named}::{message}\n")
    return "".join(commands)


def as_junit(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write JUnit's XML: a suite for every file, a failed test for every problem in it."""
    total = str(len(problems))
    suites = Xml.Element("testsuites", name="etl lint", tests=total, failures=total)
    for path, group in groupby(problems, key=lambda problem: problem.path):
        mine = list(group)
        count = str(len(mine))
        suite = Xml.SubElement(suites, "testsuite", name=path, tests=count, failures=count)
        for problem in mine:
            name = f"{problem.code} {problem.line}:{problem.column}"
            case = Xml.SubElement(suite, "testcase", name=name, classname=path)
            failure = Xml.SubElement(
                case,
                "failure",
                type=problem.severity,
                message=_NOT_IN_XML.sub("?", problem.message),
            )
            failure.text = _NOT_IN_XML.sub("?", str(problem))
    Xml.indent(suites)
    return Xml.tostring(suites, encoding="unicode", xml_declaration=True) + "\n"


def as_markdown(problems: Sequence[Diagnostic], root: Path) -> str:
    """Write a Markdown table, for a comment or a summary."""
    counts = Counter(problem.severity for problem in problems)
    if not problems:
        return "No problems found.\n"
    totals = [
        f"{count} {word}{'' if count == 1 else 's'}" for word, count in sorted(counts.items())
    ]
    rows = ["| place | code | problem | hint |", "|---|---|---|---|"]
    for problem in problems:
        cells = [f"`{problem.place.rstrip(': ')}`", problem.code, problem.message, problem.hint]
        rows.append("| " + " | ".join(_cell(cell) for cell in cells) + " |")
    return "\n".join([f"**{', '.join(totals)}**", "", *rows]) + "\n"


FORMATS: dict[str, Callable[[Sequence[Diagnostic], Path], str]] = {
    "text": as_text,
    "json": as_json,
    "sarif": as_sarif,
    "github": as_github,
    "junit": as_junit,
    "markdown": as_markdown,
}


def _hint(problem: Diagnostic) -> str:
    return f"hint: {problem.hint}" if problem.hint else ""


def _lines(path: Path) -> list[str]:
    try:
        text = path.read_text(encoding="utf-8-sig", errors="replace")
    except OSError:
        return []
    return re.split(r"\r\n|\r|\n", text)


def _frame(lines: Sequence[str], problem: Diagnostic) -> Iterable[str]:
    if not 0 < problem.line <= len(lines):
        return []
    # A file must not send control characters to the terminal.
    line = "".join(
        character if character.isprintable() else " " for character in lines[problem.line - 1]
    )
    start = min(problem.column - 1, len(line))
    word = _WORD.match(line, start)
    skip = max(0, start - 60)
    shown = line[skip : skip + 100]
    number = str(problem.line)
    carets = "^" * max(1, min(len(word[0]) if word else 1, 100 - (start - skip)))
    return [
        f"  {number} | {shown}".rstrip(),
        f"  {' ' * len(number)} | {' ' * _cells(shown[: start - skip])}{carets}",
    ]


def _cells(text: str) -> int:
    from rich.cells import cell_len

    return cell_len(text)


def _rule(code: str) -> dict[str, Any]:
    """Return what services show of a rule next to its findings."""
    try:
        text = page(code)
    except ConfigError:
        return {"id": code}  # a code without a page: a file that cannot be read at all
    title = text.split("\n", 1)[0].lstrip("# ").removeprefix(f"{code}: ")
    return {
        "id": code,
        "shortDescription": {"text": title},
        "help": {"text": text, "markdown": text},
    }


def _result(problem: Diagnostic) -> dict[str, Any]:
    place: dict[str, Any] = {
        "artifactLocation": {"uri": quote(problem.path), "uriBaseId": "%SRCROOT%"}
    }
    if problem.line:
        place["region"] = {"startLine": problem.line, "startColumn": max(problem.column, 1)}
    result: dict[str, Any] = {
        "ruleId": problem.code,
        "level": problem.severity,
        "message": {"text": "\n".join(filter(None, [problem.message, _hint(problem)]))},
    }
    return result | ({"locations": [{"physicalLocation": place}]} if problem.path else {})


def _escaped(text: str, more: str = "") -> str:
    for character in "%\r\n" + more:
        text = text.replace(character, f"%{ord(character):02X}")
    return text


def _cell(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("|", "\\|")
