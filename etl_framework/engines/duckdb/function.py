"""Load the Python function of a transform from its file."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

from etl_framework.errors import StepError

_LOADING = threading.Lock()
_LOADED: dict[tuple[Path, bytes], ModuleType] = {}


def source_file(root: Path, reference: str) -> Path:
    """Return the file of `package.module:function`, if it is part of the project."""
    return root / (reference.partition(":")[0].replace(".", "/") + ".py")


def function(root: Path, reference: str) -> Callable[..., Any]:
    """Return the function `package.module:function`, from the project or an installed package.

    A module of the project is loaded again if its file has changed.

    :raises StepError: the module cannot be imported, or has no such function.
    """
    module, _, name = reference.partition(":")
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    file = source_file(root, reference)
    try:
        with _LOADING:
            loaded = _load(module, file) if file.is_file() else importlib.import_module(module)
    except Exception as error:  # importing runs the user's code, which can raise anything
        raise StepError(
            f"the function {reference} cannot be imported: {type(error).__name__}: {error}",
            hint="it is looked for from the project's folder",
        ) from error
    if not callable(attribute := getattr(loaded, name, None)):
        raise StepError(f"the function {reference} cannot be imported: {module} has no '{name}'")
    return attribute  # type: ignore[no-any-return]


def _load(module: str, file: Path) -> ModuleType:
    key = (file, file.read_bytes())
    if key not in _LOADED:
        # The name is unique, because two projects may have a module of the same name.
        spec = importlib.util.spec_from_file_location(f"{module}_{len(_LOADED)}", file)
        if spec is None or spec.loader is None:
            raise ImportError(f"{file} is not a Python file")
        loaded = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(loaded)
        _LOADED[key] = loaded
    return _LOADED[key]
