"""`etl lsp`, spoken to as an editor does."""

from __future__ import annotations

import sys
from collections.abc import Iterator

import pytest

from tests.conftest import ORDERS, REPOSITORY, TOTALS, Folder
from tests.editors.client import Editor

FILE, SQL = "pipelines/orders.yml", "sql_templates/orders/totals.sql"


@pytest.fixture
def editor(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Editor]:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    opened = Editor([sys.executable, "-m", "etl_framework", "lsp"], orders.root, {})
    yield opened
    opened.kill()


@pytest.mark.slow
def test_mistakes_while_typing_and_their_pages(orders: Folder, editor: Editor) -> None:
    right = ORDERS.lstrip()
    assert editor.show(FILE, right) == []

    (wrong,) = editor.show(FILE, right.replace("schedule:", "shedule:"))
    assert (wrong["code"], wrong["severity"], wrong["source"]) == ("E202", 1, "etl")
    assert wrong["message"] == "unknown key 'shedule'\nhint: did you mean 'schedule'?"
    assert wrong["range"] == {
        "start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 7},
    }  # fmt: skip
    assert (orders.root / FILE).read_text() == right, "nothing was saved"

    page = editor.at("hover", FILE, 1, 3)["contents"]
    assert page["kind"] == "markdown"
    assert page["value"].startswith("# E202")
    assert editor.at("hover", FILE, 0, 0) is None

    assert "E102" in [each["code"] for each in editor.show(FILE, "kpis: [")]
    assert editor.show(FILE, right) == []


@pytest.mark.slow
def test_a_change_of_one_file_shows_in_another(orders: Folder, editor: Editor) -> None:
    text = TOTALS.lstrip().replace("customer,", "/* \U0001f3b5 */ custmer,", 1)
    (wrong,) = editor.show(SQL, text)
    assert wrong["code"] == "E413"
    assert wrong["range"]["start"] == {"line": 0, "character": 16}, "in units of UTF-16"

    editor.show(FILE, ORDERS.lstrip().replace("- {name: customer,", "- {name: custmer,", 1))
    now = editor.latest[(orders.root / SQL).as_uri()]
    assert [each["range"]["start"]["line"] for each in now] == [2], "GROUP BY, and not SELECT"


@pytest.mark.slow
def test_it_ends_as_it_is_told_to(editor: Editor) -> None:
    assert editor.server["capabilities"]["hoverProvider"]
    assert editor.close() == 0


@pytest.mark.slow
def test_a_folder_that_is_no_project(orders: Folder, editor: Editor) -> None:
    (orders.root / "pipelines").rename(orders.root / "aside")

    editor.tell("textDocument/didOpen", textDocument={
        "uri": (orders.root / "x.yml").as_uri(), "languageId": "yaml", "version": 1, "text": "",
    })  # fmt: skip

    assert editor.close() == 0
