"""The runbook knows each code that an operator meets, and names only commands that there are."""

from __future__ import annotations

import re
import shlex

import click
import pytest

from etl_framework import errors
from etl_framework.cli import own_commands
from etl_framework.lint.pages import codes as with_page
from tests.conftest import REPOSITORY
from tests.errors.test_base import every_error

RUNBOOK = (REPOSITORY / "docs/runbook.md").read_text(encoding="utf-8")
SOURCES = sorted((REPOSITORY / "etl_framework").rglob("*.py"))
# Those of commands that are tools of their own, made beside this page.
OTHERS = ("bundle", "doctor", "iam")


def codes() -> list[str]:
    """Every code in the package that has no page of lint."""
    text = "\n".join(file.read_text(encoding="utf-8") for file in SOURCES)
    return sorted(set(re.findall(r'"([RMBD]\d{3})"', text)) - set(with_page()))


def commands() -> list[str]:
    """Every `etl …` of the page, in a block or in a line."""
    blocks = re.findall(r"^\s*\$ (etl .+)$", RUNBOOK, re.MULTILINE)
    return blocks + re.findall(r"`(etl [^`]+)`", RUNBOOK)


def test_the_codes_are_found() -> None:
    known = {each.code for each in every_error() if each.__module__ == errors.__name__}

    assert known <= set(codes())
    assert {"M101", "M201", "M305"} <= set(codes())


@pytest.mark.parametrize("code", codes())
def test_each_code_has_an_entry(code: str) -> None:
    headings = re.findall(r"^### (\w+): .+$", RUNBOOK, re.MULTILINE)
    rows = re.findall(r"^\| ((?:\w\d{3}(?:, )?)+) \|", RUNBOOK, re.MULTILINE)

    assert code in {*headings, *(each for row in rows for each in row.split(", "))}


@pytest.mark.parametrize("line", sorted(set(commands())))
def test_each_command_exists(line: str) -> None:
    words = shlex.split(line.partition(" > ")[0])[1:]
    if words[0] in OTHERS and words[0] not in own_commands():
        pytest.skip(f"etl {words[0]} is not here")
    command = own_commands()[words.pop(0)]
    if isinstance(command, click.Group) and words:
        command = command.commands[words.pop(0)]
    known = {option for each in command.params for option in each.opts}

    assert {word for word in words if word.startswith("--")} <= known


def test_codes_that_are_no_more_have_gone() -> None:
    named = set(re.findall(r"\b([RM]\d{3})\b", RUNBOOK))

    assert named <= set(codes())
