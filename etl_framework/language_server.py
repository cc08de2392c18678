"""A language server: what `etl lint` finds, also in what is not saved, and the pages of it."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterable
from pathlib import Path

from lsprotocol import types as lsp
from pygls.lsp.server import LanguageServer
from pygls.uris import from_fs_path, to_fs_path

from etl_framework import __version__
from etl_framework.errors import Diagnostic, EtlError
from etl_framework.lint.linter import lint
from etl_framework.lint.pages import page
from etl_framework.project.project import ENVIRONMENTS, PIPELINES, TEMPLATES, load_project

COPIED = (PIPELINES, TEMPLATES, "dags", ENVIRONMENTS, "setup.cfg")
ASIDE = (".etl", ".git", ".venv")
SEVERITY = {"error": lsp.DiagnosticSeverity.Error, "warning": lsp.DiagnosticSeverity.Warning}
_WORD = re.compile(r"\w+|\S")


class Server(LanguageServer):
    """What it found last in each file of a project."""

    def __init__(self) -> None:
        super().__init__("etl", __version__, text_document_sync_kind=lsp.TextDocumentSyncKind.Full)
        self.found: dict[str, list[lsp.Diagnostic]] = {}

    def look(self) -> None:
        """Lint the project as the editor has it; tell of each file in which something changed."""
        root = Path(self.workspace.root_path or ".").resolve()
        try:
            with tempfile.TemporaryDirectory(prefix="etl-lsp-") as here:
                mirrored(root, Path(here), self._texts(root))
                problems = lint(load_project(Path(here)))
        except EtlError as error:
            self.window_log_message(
                lsp.LogMessageParams(type=lsp.MessageType.Warning, message=str(error))
            )
            return
        known: dict[str, list[lsp.Diagnostic]] = {uri: [] for uri in self.found}
        known |= {uri: [] for uri in self.workspace.text_documents}
        for problem in problems:
            if problem.path and (uri := from_fs_path(str(root / problem.path))):
                known.setdefault(uri, []).append(self._shown(uri, problem))
        for uri, found in known.items():
            self.text_document_publish_diagnostics(
                lsp.PublishDiagnosticsParams(uri=uri, diagnostics=found)
            )
        self.found = known

    def _texts(self, root: Path) -> dict[Path, str]:
        """The open files of the project, as they are in the editor."""
        open_ = {
            Path(to_fs_path(uri) or "/"): document.source
            for uri, document in self.workspace.text_documents.items()
        }
        return {
            path.relative_to(root): text
            for path, text in open_.items()
            if path.is_relative_to(root)
        }

    def _shown(self, uri: str, problem: Diagnostic) -> lsp.Diagnostic:
        lines = self.workspace.get_text_document(uri).lines
        at = max(problem.line - 1, 0)
        line = lines[at] if at < len(lines) else ""
        start = max(problem.column - 1, 0)
        word = _WORD.match(line, start)
        end = word.end() if word else start + 1
        units = [len(line[:each].encode("utf-16-le")) // 2 for each in (start, end)]
        hint = f"\nhint: {problem.hint}" if problem.hint else ""
        return lsp.Diagnostic(
            range=lsp.Range(*(lsp.Position(at, each) for each in units)),
            message=problem.message + hint,
            severity=SEVERITY.get(problem.severity, lsp.DiagnosticSeverity.Information),
            code=problem.code,
            source="etl",
        )


def mirrored(root: Path, here: Path, texts: dict[Path, str]) -> None:
    """A project in another folder, with texts that are not saved in place of their files."""
    for path in root.iterdir():
        if path.name in COPIED:
            copy = shutil.copytree if path.is_dir() else shutil.copy
            copy(path, here / path.name)
        elif path.name not in ASIDE:
            (here / path.name).symlink_to(path)
    for file, text in texts.items():
        if file.parts[0] in COPIED:
            (here / file).parent.mkdir(parents=True, exist_ok=True)
            (here / file).write_text(text, encoding="utf-8")


def pages_at(found: Iterable[lsp.Diagnostic], position: lsp.Position) -> lsp.Hover | None:
    """The pages of the mistakes at a place."""
    here = [
        each
        for each in found
        if each.range.start.line == position.line
        and each.range.start.character <= position.character <= each.range.end.character
    ]
    texts = list(dict.fromkeys(page(str(each.code)) for each in here))
    if not texts:
        return None
    return lsp.Hover(lsp.MarkupContent(lsp.MarkupKind.Markdown, "\n".join(texts)), here[0].range)


def server() -> Server:
    """The server, not yet started."""
    made = Server()

    @made.feature(lsp.TEXT_DOCUMENT_DID_OPEN)
    @made.feature(lsp.TEXT_DOCUMENT_DID_CHANGE)
    @made.feature(lsp.TEXT_DOCUMENT_DID_SAVE)
    @made.feature(lsp.TEXT_DOCUMENT_DID_CLOSE)
    def look(ls: Server, _: object) -> None:
        ls.look()

    @made.feature(lsp.TEXT_DOCUMENT_HOVER)
    def hover(ls: Server, asked: lsp.HoverParams) -> lsp.Hover | None:
        return pages_at(ls.found.get(asked.text_document.uri, ()), asked.position)

    return made
