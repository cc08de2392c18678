"""An editor, as far as a language server can tell: it opens a text, asks, and hears of mistakes."""

from __future__ import annotations

import itertools
import json
import subprocess
from collections.abc import Sequence
from pathlib import Path
from queue import Queue
from threading import Thread
from typing import Any

SECONDS = 60
Message = dict[str, Any]


class Editor:
    """A language server over its standard input and output."""

    def __init__(self, command: Sequence[str | Path], root: Path, settings: Message) -> None:
        self._settings, self._root = settings, root
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            cwd=root,
        )  # fmt: skip
        self._ids, self._texts = itertools.count(1), dict[str, int]()
        self._answers: Queue[Message] = Queue()
        self._problems: Queue[Message] = Queue()
        self.latest: dict[str, list[Message]] = {}
        self._listener = Thread(target=self._listen, daemon=True)
        self._listener.start()
        folders = [{"uri": root.as_uri(), "name": "project"}]
        snippets = {"completionItem": {"snippetSupport": True}, "dynamicRegistration": False}
        self.server = self.ask(
            "initialize", processId=None, rootUri=root.as_uri(), workspaceFolders=folders,
            capabilities={
                "workspace": {"configuration": True},
                "textDocument": {"completion": snippets, "publishDiagnostics": {}},
            },
        )  # fmt: skip
        self.tell("initialized")

    def show(self, path: str, text: str) -> list[Message]:
        """Open a file, or change the text of an open one; the mistakes that the server finds."""
        uri = (self._root / path).as_uri()
        version = self._texts[uri] = self._texts.get(uri, 0) + 1
        if version == 1:
            opened = {"uri": uri, "languageId": "yaml", "version": version, "text": text}
            self.tell("textDocument/didOpen", textDocument=opened)
        else:
            document = {"uri": uri, "version": version}
            self.tell(
                "textDocument/didChange", textDocument=document, contentChanges=[{"text": text}]
            )
        return self.mistakes(path)

    def mistakes(self, path: str) -> list[Message]:
        """What the server says next of a file."""
        uri = (self._root / path).as_uri()
        while True:
            found = self._problems.get(timeout=SECONDS)
            if found["uri"] == uri:
                return list(found["diagnostics"])

    def at(self, what: str, path: str, line: int, column: int) -> Any:
        """What the server has to say at a place, both from 0: `completion`, `hover`."""
        document = {"uri": (self._root / path).as_uri()}
        place = {"line": line, "character": column}
        return self.ask(f"textDocument/{what}", textDocument=document, position=place)

    def ask(self, method: str, **parameters: Any) -> Any:
        """A request; its answer."""
        number = next(self._ids)
        self._send({"id": number, "method": method, "params": parameters})
        while (answer := self._answers.get(timeout=SECONDS))["id"] != number:
            pass
        assert "error" not in answer, answer
        return answer["result"]

    def tell(self, method: str, **parameters: Any) -> None:
        """A notification."""
        self._send({"method": method, "params": parameters})

    def close(self) -> int:
        """End it as an editor does; its exit code."""
        self.ask("shutdown")
        self.tell("exit")
        return self._ended()

    def terminate(self) -> int:
        """End it by a signal; its exit code."""
        self._process.terminate()
        return self._ended()

    def kill(self) -> None:
        """End it, whatever it does."""
        self._process.kill()
        self._ended()

    def _ended(self) -> int:
        assert self._process.stdin
        self._process.stdin.close()
        code = self._process.wait(timeout=SECONDS)
        self._listener.join(timeout=SECONDS)
        assert self._process.stdout
        self._process.stdout.close()
        return code

    def _send(self, message: Message) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin
        self._process.stdin.write(f"Content-Length: {len(body)}\r\n\r\n".encode() + body)
        self._process.stdin.flush()

    def _listen(self) -> None:
        assert self._process.stdout
        while header := self._process.stdout.readline():
            length = int(header.split(b":")[1]) if header.startswith(b"Content-Length") else 0
            while (line := self._process.stdout.readline()) not in (b"\r\n", b""):
                length = int(line.split(b":")[1]) if line.startswith(b"Content-Length") else length
            message = json.loads(self._process.stdout.read(length))
            method = message.get("method")
            if method == "workspace/configuration":
                items = message["params"]["items"]
                found = [self._settings.get(item.get("section"), {}) for item in items]
                self._send({"id": message["id"], "result": found})
            elif method == "textDocument/publishDiagnostics":
                self.latest[message["params"]["uri"]] = message["params"]["diagnostics"]
                self._problems.put(message["params"])
            elif method and "id" in message:
                self._send({"id": message["id"], "result": None})
            elif "id" in message:
                self._answers.put(message)
