"""The command in this process: as `python -m etl_framework`, without the time to start."""

from __future__ import annotations

import sys
from collections.abc import Callable
from subprocess import CompletedProcess

import pytest

from etl_framework.cli import main
from tests.conftest import Folder

Etl = Callable[..., "CompletedProcess[str]"]


@pytest.fixture
def etl(orders: Folder, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Etl:
    """Run the command in the folder of the small project."""
    monkeypatch.chdir(orders.root)

    def run(*arguments: str) -> CompletedProcess[str]:
        monkeypatch.setattr(sys, "argv", ["etl", *arguments])
        code = 0
        try:
            main()
        except SystemExit as end:
            code = int(end.code or 0)
        found = capsys.readouterr()
        return CompletedProcess(arguments, code, found.out, found.err)

    return run
