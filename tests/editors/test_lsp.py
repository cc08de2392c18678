"""`etl lsp`, spoken to as an editor does."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from lsprotocol.types import (
    PublishDiagnosticsParams,
    TextDocumentContentChangeWholeDocument,
    TextDocumentItem,
    TextDocumentSyncKind,
    VersionedTextDocumentIdentifier,
)
from pygls.uris import to_fs_path
from pygls.workspace import Workspace

from etl_framework.authoring.language_server import server
from etl_framework.lint.inspector import Inspector
from tests.conftest import ORDERS, REPOSITORY, TOTALS, Folder
from tests.editors.client import Editor

FILE, SQL = "pipelines/orders.yml", "sql_templates/orders/totals.sql"


@pytest.fixture
def editor(orders: Folder, monkeypatch: pytest.MonkeyPatch) -> Iterator[Editor]:
    monkeypatch.setenv("PYTHONPATH", str(REPOSITORY))
    (orders.root / "temporary").mkdir()
    monkeypatch.setenv("TMPDIR", str(orders.root / "temporary"))
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
def test_policies_that_are_typed_show_in_pipelines(orders: Folder, editor: Editor) -> None:
    policies = "policies:\n  who: {type: pipeline_has_owner, reason: at night, select: [orders]}\n"
    assert editor.show(FILE, ORDERS.lstrip()) == []

    assert editor.show("policies.yml", policies) == []
    (found,) = editor.latest[(orders.root / FILE).as_uri()]
    assert (found["code"], found["range"]["start"]) == ("P101", {"line": 0, "character": 6})
    assert editor.at("hover", FILE, 0, 8)["contents"]["value"].startswith("# P101")

    (wrong,) = editor.show("policies.yml", policies.replace("[orders]", "[ordres]"))
    assert (wrong["code"], wrong["message"]) == (
        "E605", "there is no pipeline or KPI 'ordres'\nhint: did you mean 'orders'?",
    )  # fmt: skip
    assert editor.latest[(orders.root / FILE).as_uri()] == []


@pytest.mark.slow
def test_it_ends_as_it_is_told_to(editor: Editor) -> None:
    assert editor.server["capabilities"]["hoverProvider"]
    assert editor.close() == 0


@pytest.mark.slow
def test_it_leaves_no_copy_of_the_project_behind(orders: Folder, editor: Editor) -> None:
    editor.show(FILE, ORDERS.lstrip())
    copies = orders.root / "temporary"
    assert any(copies.iterdir())

    assert editor.terminate() == 0
    assert not any(copies.iterdir())


@pytest.mark.slow
def test_a_folder_that_is_no_project(orders: Folder, editor: Editor) -> None:
    (orders.root / "pipelines").rename(orders.root / "aside")

    editor.tell("textDocument/didOpen", textDocument={
        "uri": (orders.root / "x.yml").as_uri(), "languageId": "yaml", "version": 1, "text": "",
    })  # fmt: skip

    assert editor.close() == 0


@pytest.mark.slow
def test_a_warning_is_shown_as_one(editor: Editor) -> None:
    divided = TOTALS.lstrip() + "HAVING SUM(amount) / SUM(order_id) > 0\n"
    (wrong,) = editor.show(SQL, divided)
    assert (wrong["code"], wrong["severity"]) == ("W403", 2)


class Desk:
    """A server in this process, and an editor's texts."""

    def __init__(self, root: Path) -> None:
        self.root, self.server = root, server()
        self.server.protocol._workspace = Workspace(root.as_uri(), TextDocumentSyncKind.Full)
        self.published: dict[str, list[str]] = {}
        self.server.text_document_publish_diagnostics = self._publish

    def _publish(self, told: PublishDiagnosticsParams) -> None:
        path = Path(to_fs_path(told.uri) or "").relative_to(self.root).as_posix()
        self.published[path] = [str(problem.code) for problem in told.diagnostics]

    def open(self, path: str) -> None:
        document = TextDocumentItem(self.uri(path), "yaml", 1, (self.root / path).read_text())
        self.server.workspace.put_text_document(document)
        self.server.look_at_folder()

    def close(self, path: str) -> None:
        self.server.workspace.remove_text_document(self.uri(path))
        self.server.look_at_folder()

    def type(self, path: str, text: str) -> dict[str, list[str]]:
        """Have another text in an open file; what the server publishes then."""
        document = VersionedTextDocumentIdentifier(2, self.uri(path))
        change = TextDocumentContentChangeWholeDocument(text)
        self.server.workspace.update_text_document(document, change)
        self.published.clear()
        self.server.look_at_text(self.uri(path))
        return dict(self.published)

    def uri(self, path: str) -> str:
        return (self.root / path).as_uri()


@pytest.fixture
def desk(orders: Folder) -> Iterator[Desk]:
    """An editor with one of three pipelines open."""
    for name in ("again", "third"):
        text = ORDERS.replace("name: orders\n", f"name: {name}\n")
        orders.write(f"pipelines/{name}.yml", text.replace("table: totals", f"table: {name}"))
    desk = Desk(orders.root)
    desk.open(FILE)
    yield desk
    desk.server.discard_copies()


def test_a_key_is_a_look_at_one_pipeline(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    looked_at: list[str] = []
    real = Inspector.look_at
    monkeypatch.setattr(
        Inspector,
        "look_at",
        lambda self, found, *more: looked_at.append(found.file.path) or real(self, found, *more),
    )

    for text in ("# a\n", "# ab\n", "# abc\nshedule: none\n"):
        looked_at.clear()
        desk.type(FILE, ORDERS.lstrip() + text)
        assert looked_at == [FILE]


def test_only_files_in_which_something_changes_are_told_of(desk: Desk) -> None:
    right = ORDERS.lstrip()
    assert desk.published == {FILE: []}
    assert desk.type(FILE, right + "# more\n") == {}
    assert desk.type(FILE, right + "shedule: none\n") == {FILE: ["E202"]}
    assert desk.type(FILE, right + "shedule: none\n# more\n") == {}
    assert desk.type(FILE, right.replace("table: totals", "table: third")) == {
        FILE: [],
        "pipelines/third.yml": ["E307"],
    }
    desk.published.clear()
    desk.close(FILE)
    assert desk.published == {"pipelines/third.yml": []}, "what was not saved is gone"


def test_files_that_come_and_go_are_noticed(desk: Desk) -> None:
    third = desk.root / "pipelines/third.yml"
    text = third.read_text()
    desk.published.clear()

    third.write_text(text.replace("table: third", "table: again"))
    desk.server.look_at_folder()
    assert desk.published == {"pipelines/third.yml": ["E307"]}

    third.rename(third.with_name("fourth.yml"))
    desk.server.look_at_folder()
    assert desk.published["pipelines/third.yml"] == []
    assert "E306" in desk.published["pipelines/fourth.yml"]
