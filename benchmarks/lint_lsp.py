"""What a key costs that is pressed in one of 1,000 pipelines, beside a look at all of them.

The language server runs in this process, as an editor has it, without the wire between them. Times
are of the processor.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
from pathlib import Path
from time import process_time

import lint_projects
from lsprotocol.types import (
    TextDocumentContentChangeWholeDocument,
    TextDocumentItem,
    TextDocumentSyncKind,
    VersionedTextDocumentIdentifier,
)
from pygls.workspace import Workspace

from etl_framework.authoring.language_server import Server, server
from etl_framework.lint.linter import Linter

KEYS = 25


class Timed:
    """A server with one file of a project open."""

    def __init__(self, root: Path, path: str) -> None:
        self.server: Server = server()
        self.server.protocol._workspace = Workspace(root.as_uri(), TextDocumentSyncKind.Full)
        self.server.text_document_publish_diagnostics = lambda told: None
        self._uri = (root / path).as_uri()
        self._text = (root / path).read_text()
        self._version = 1
        document = TextDocumentItem(self._uri, "yaml", 1, self._text)
        self.server.workspace.put_text_document(document)

    def save(self) -> float:
        start = process_time()
        self.server.look_at_folder()
        return process_time() - start

    def key(self, more: str) -> float:
        self._version += 1
        document = VersionedTextDocumentIdentifier(self._version, self._uri)
        change = TextDocumentContentChangeWholeDocument(self._text + more)
        self.server.workspace.update_text_document(document, change)
        start = process_time()
        self.server.look_at_text(self._uri)
        return process_time() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--pipelines", type=int, default=1_000)
    count = parser.parse_args().pipelines
    with tempfile.TemporaryDirectory(prefix="etl-bench-lsp-") as folder:
        root = Path(folder) / "project"
        lint_projects.write_ours(root, count)
        name = lint_projects.shapes(count)[count // 2].name
        template = next((root / f"sql_templates/{name}").glob("*.sql")).relative_to(root)
        print(f"{count:,} pipelines{'CPU seconds':>38}{'of a cold look':>16}")
        start = process_time()
        assert Linter(root, start=False, jobs=1).look() == []
        cold = process_time() - start
        _show("a look at all, one process", cold, cold)
        yaml, sql = Timed(root, f"pipelines/{name}.yml"), Timed(root, template.as_posix())
        for what, timed, more in (
            ("a key in a pipeline's file", yaml, "# comment"),
            ("a key that breaks the file", yaml, "shedule: "),
            ("a key in a template", sql, "-- comment"),
        ):
            timed.save()
            keys = [timed.key(f"\n{more}{number}") for number in range(KEYS)]
            _show(what, statistics.median(keys), cold)
        _show("a file saved", yaml.save(), cold)
        yaml.server.discard_copies()
        sql.server.discard_copies()


def _show(what: str, seconds: float, cold: float) -> None:
    print(f"{what:32}{seconds:20.3f}{seconds / cold:15.4f}x", flush=True)


if __name__ == "__main__":
    main()
