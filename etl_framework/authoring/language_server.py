"""A language server: it shows what `etl lint` finds, also in unsaved texts, and its pages."""

from __future__ import annotations

import os
import re
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import NoReturn

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from etl_framework import __version__
from etl_framework.errors import Diagnostic, EtlError, Severity
from etl_framework.lint.linter import Linter
from etl_framework.lint.mirror import Mirror
from etl_framework.lint.pages import page

SEVERITIES: dict[Severity, lsp.DiagnosticSeverity] = {
    "error": lsp.DiagnosticSeverity.Error,
    "warning": lsp.DiagnosticSeverity.Warning,
}
WATCHED = lsp.FileSystemWatcher(
    glob_pattern="**/*.{yml,yaml,sql,py,cfg,txt}",
)
_WORD = re.compile(r"\w+|\S")


class Server(LanguageServer):
    """A project that is open in an editor, with the latest problems of each file.

    :param shown: the problems that the editor shows, by the file's URI.
    """

    def __init__(self) -> None:
        super().__init__("etl", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.shown: dict[str, list[lsp.Diagnostic]] = {}
        self.linter: Linter | None = None
        self._copies = tempfile.TemporaryDirectory(prefix="etl-lsp-", ignore_cleanup_errors=True)
        self._mirror: Mirror | None = None
        self._problems: dict[str, list[Diagnostic]] = {}

    def look_at_folder(self) -> None:
        """Lint what has changed on the disk and in the editor."""
        root = Path(self.workspace.root_path or ".").resolve()
        if self._mirror is None:
            self._mirror = Mirror(root, Path(self._copies.name))
        documents = self.workspace.text_documents
        texts = {path: documents[uri].source for uri in documents if (path := self._path(uri))}
        self._mirror.synchronize(texts)
        is_first = self.linter is None
        self.linter = self.linter or Linter(self._mirror.folder)
        self._problems = {}  # a saved file may have moved the word that a problem stands at
        self._look(self.linter)
        if is_first:
            self.linter.get_ready()

    def stop(self, *_: object) -> NoReturn:
        """Exit at once, when the editor sends a signal."""
        self.discard_copies()
        os._exit(0)

    def discard_copies(self) -> None:
        """Delete the copy of the project."""
        self._copies.cleanup()

    def look_at_text(self, uri: str) -> None:
        """Lint after a change of a document in the editor."""
        if self._mirror is None or self.linter is None:
            self.look_at_folder()
        elif path := self._path(uri):
            self._mirror.write(path, self.workspace.get_text_document(uri).source)
            self._look(self.linter)

    def _look(self, linter: Linter) -> None:
        """Lint, and send the editor the files whose problems have changed."""
        root = Path(self.workspace.root_path or ".").resolve()
        problems: dict[str, list[Diagnostic]] = {}
        try:
            for problem in linter.look():
                problems.setdefault(problem.path, []).append(problem)
        except EtlError as error:
            message = str(error).replace(str(linter.root), str(root))
            self.window_log_message(lsp.LogMessageParams(lsp.MessageType.Warning, message))
            return
        uris = {path: from_fs_path(str(root / path)) for path in problems if path}
        shown: dict[str, list[lsp.Diagnostic]] = {
            uri: [] for uri in (*self.shown, *self.workspace.text_documents)
        }
        for path, uri in uris.items():
            is_open = uri in self.workspace.text_documents
            if uri and not is_open and self._problems.get(path) == problems[path]:
                shown[uri] = self.shown[uri]
            elif uri:
                shown[uri] = [self._as_shown(uri, problem) for problem in problems[path]]
        for uri, diagnostics in shown.items():
            if self.shown.get(uri) != diagnostics:
                self.text_document_publish_diagnostics(
                    lsp.PublishDiagnosticsParams(uri=uri, diagnostics=diagnostics)
                )
        self.shown, self._problems = shown, problems

    def _path(self, uri: str) -> str:
        """Return a document's path below the project's folder; empty if it is outside."""
        root = Path(self.workspace.root_path or ".").resolve()
        file = Path(to_fs_path(uri) or "/")
        file = file if file.is_relative_to(root) else file.parent.resolve() / file.name
        return file.relative_to(root).as_posix() if file.is_relative_to(root) else ""

    def _as_shown(self, uri: str, problem: Diagnostic) -> lsp.Diagnostic:
        lines = self.workspace.get_text_document(uri).lines
        at = max(problem.line - 1, 0)
        line = lines[at] if at < len(lines) else ""
        start = max(problem.column - 1, 0)
        word = _WORD.match(line, start)
        end = word.end() if word else start + 1
        units = [len(line[:place].encode("utf-16-le")) // 2 for place in (start, end)]
        hint = f"\nhint: {problem.hint}" if problem.hint else ""
        return lsp.Diagnostic(
            range=lsp.Range(*(lsp.Position(at, unit) for unit in units)),
            message=problem.message + hint,
            severity=SEVERITIES[problem.severity],
            code=problem.code,
            source="etl",
        )


def pages_at(shown: Iterable[lsp.Diagnostic], position: lsp.Position) -> lsp.Hover | None:
    """Return the pages of the problems at a position; None if there are none."""
    here = [
        problem
        for problem in shown
        if problem.range.start.line == position.line
        and problem.range.start.character <= position.character <= problem.range.end.character
    ]
    texts = list(dict.fromkeys(page(str(problem.code)) for problem in here))
    if not texts:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n".join(texts)), here[0].range)


def server() -> Server:
    """Return the server, not yet started."""
    made = Server()

    @made.feature(lsp.INITIALIZED)
    def watch(ls: Server, _: lsp.InitializedParams) -> None:
        workspace = ls.client_capabilities.workspace
        watches = workspace.did_change_watched_files if workspace else None
        if watches and watches.dynamic_registration:
            options = lsp.DidChangeWatchedFilesRegistrationOptions([WATCHED])
            method = lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES
            registration = lsp.Registration("etl-files", method, options)
            ls.client_register_capability(lsp.RegistrationParams([registration]))

    @made.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    @made.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    @made.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    @made.feature(lsp.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def look(ls: Server, _: object) -> None:
        ls.look_at_folder()

    @made.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    def look_at_text(ls: Server, changed: lsp.DidChangeTextDocumentParams) -> None:
        ls.look_at_text(changed.text_document.uri)

    @made.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(ls: Server, asked: lsp.HoverParams) -> lsp.Hover | None:
        return pages_at(ls.shown.get(asked.text_document.uri, ()), asked.position)

    return made
