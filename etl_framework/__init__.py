"""Declare a pipeline in YAML and SQL; run it on a laptop, on Airflow, in Redshift."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

__version__ = "0.1.0"

# Modules that plug-ins, rules and scripts may import by the names they had; until 0.2.
MOVED = {
    "etl_framework.config": "etl_framework.project",
    "etl_framework.ledger": "etl_framework.targets.ledger",
    "etl_framework.queries": "etl_framework.plan.compile",
    "etl_framework.runner": "etl_framework.run.run",
    "etl_framework.span": "etl_framework.interval",
    "etl_framework.testing": "etl_framework.workbench.test",
}


class _Moved(MetaPathFinder, Loader):
    """Finds a module by its former name."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        for old, new in MOVED.items():
            if name == old or name.startswith(f"{old}."):
                return ModuleSpec(name, self, origin=new + name.removeprefix(old))
        return None

    def create_module(self, spec: ModuleSpec) -> None:
        """Leave it to `exec_module`, which puts the module itself in its place."""

    def exec_module(self, module: ModuleType) -> None:
        name, now = module.__name__, str(module.__spec__ and module.__spec__.origin)
        warnings.warn(f"{name} is called {now} now", DeprecationWarning, stacklevel=2)
        moved = import_module(now)
        if hasattr(moved, "__path__"):
            # With the folder's own path its files would be found, and imported a second time.
            module.__path__ = []
        else:
            sys.modules[name] = moved


# The last to be asked: nobody else knows these names.
sys.meta_path.append(_Moved())
