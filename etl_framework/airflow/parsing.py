"""A program that parses every DAG file as Airflow's DAG processor does, and reports the results.

`python -m etl_framework.airflow.parsing FOLDER` imports Airflow once. It forks a process to parse
each file, twice, and more often if the file seems slow. A DAG file may not open a connection, and
may not start another Python, because that means that its pipeline was not compiled in the bundle.
The program prints one JSON list with an object for every file that Airflow would parse.
"""

from __future__ import annotations

import hashlib
import json
import os
import sys
import time
import traceback
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

SECONDS = 0.5  # processor time that a file may take
TRIES = 6
_MODULES = {
    "DagBag": ("airflow.dag_processing.dagbag", "airflow.models.dagbag"),
    "list_py_file_paths": ("airflow.utils.file",),
    "DagSerialization": ("airflow.serialization.serialized_objects",),
    "SerializedDAG": ("airflow.serialization.serialized_objects",),
}
# Modules that the DAG processor has imported before it forks.
_LOADED = ("airflow.dag_processing.manager", "airflow.dag_processing.processor")
_REFUSED = {
    "socket.connect": "a connection",
    "socket.sendto": "a connection",
    "socket.getaddrinfo": "a connection",
    "socket.gethostbyname": "a connection",
    "subprocess.Popen": "another Python",
}


class Refused(RuntimeError):
    """A DAG file does something that is forbidden while it is parsed."""


def main(folder: Path) -> None:
    """Print the result of parsing each file."""
    for module in _LOADED:
        import_module(module)
    files = _named("list_py_file_paths")(str(folder))
    bag = _named("DagBag")
    rows = [_twice(folder, Path(file), bag) for file in sorted(files)]
    print(json.dumps(rows))


def _twice(folder: Path, file: Path, bag: Any) -> dict[str, Any]:
    """Parse a file at least twice; the shortest time counts, as a busy machine adds to any time."""
    first, second = tries = [_forked(lambda: _parsed(folder, file, bag)) for _ in range(2)]
    while min(attempt["seconds"] for attempt in tries) > SECONDS and len(tries) < TRIES:
        tries.append(_forked(lambda: _parsed(folder, file, bag)))
    return {
        "file": str(file.relative_to(folder)),
        "seconds": min(attempt["seconds"] for attempt in tries),
        "dags": first["dags"],
        "error": first["error"] or second["error"],
        "refused": first["refused"] or second["refused"],
        "same": first["digests"] == second["digests"],
    }


def _forked(act: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Call a function in a forked process and return its result."""
    reading, writing = os.pipe()
    if child := os.fork():
        os.close(writing)
        with os.fdopen(reading) as pipe:
            text = pipe.read()
        os.waitpid(child, 0)
        if text:
            answer: dict[str, Any] = json.loads(text)
            return answer
        return {
            "seconds": 0.0,
            "dags": [],
            "digests": {},
            "error": "it killed its process",
            "refused": [],
        }
    try:
        result = act()
    except BaseException:  # noqa: BLE001 - the parent reports it
        result = {
            "seconds": 0.0,
            "dags": [],
            "digests": {},
            "error": traceback.format_exc(),
            "refused": [],
        }
    os.write(writing, json.dumps(result).encode())
    os._exit(0)


def _parsed(folder: Path, file: Path, bag: Any) -> dict[str, Any]:
    refused: list[dict[str, Any]] = []
    _refuse(folder, refused)
    started = time.process_time()
    dag_bag = bag(str(file))
    seconds = time.process_time() - started
    errors = "\n".join(dag_bag.import_errors.values())
    return {
        "seconds": round(seconds, 3),
        "dags": sorted(dag_bag.dags),
        "digests": {name: _digest(dag) for name, dag in dag_bag.dags.items()},
        "error": errors,
        "refused": refused,
    }


def _refuse(folder: Path, refused: list[dict[str, Any]]) -> None:
    """Raise an error when a connection or a Python is started, and note the DAG file's line."""

    def audit(event: str, arguments: tuple[Any, ...]) -> None:
        what = _REFUSED.get(event)
        if what and (event != "subprocess.Popen" or arguments[0] == sys.executable):
            _begun(what, folder, refused)

    sys.addaudithook(audit)
    for driver in ("psycopg2", "psycopg2._psycopg", "psycopg"):
        # libpq opens its connections in C, where the audit hook is not called.
        try:
            module = import_module(driver)
        except ImportError:
            continue
        name = "_connect" if driver != "psycopg" else "connect"
        if hasattr(module, name):
            setattr(module, name, lambda *_, **__: _begun("a connection", folder, refused))


def _begun(what: str, folder: Path, refused: list[dict[str, Any]]) -> NoReturn:
    mine = [frame for frame in traceback.extract_stack() if frame.filename.startswith(f"{folder}/")]
    if mine:
        path = str(Path(mine[-1].filename).relative_to(folder))
        refused.append({"what": what, "file": path, "line": mine[-1].lineno})
    else:
        refused.append({"what": what, "file": "", "line": 0})
    raise Refused(f"{what} is begun while the DAG file is parsed")


def _digest(dag: Any) -> str:
    """A hash of a DAG in the form that Airflow stores; shows whether two parses store the same."""
    try:
        serialize = _named("DagSerialization")
    except AttributeError:
        serialize = _named("SerializedDAG")
    text = json.dumps(serialize.to_dict(dag), sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _named(name: str) -> Any:
    for module in _MODULES[name]:
        try:
            return getattr(import_module(module), name)
        except ImportError:
            continue
    raise AttributeError(name)


if __name__ == "__main__":
    main(Path(sys.argv[1]).resolve())
