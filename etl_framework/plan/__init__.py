"""From a pipeline's file to frozen steps: draft, compile, plan, and what is read off a plan."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any


def __getattr__(name: str) -> Any:
    """What scripts may import from here, as they did when the plan was one file; until 0.2."""
    if name not in ("Plan", "Step", "build_plan"):
        raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
    value = getattr(import_module(f"{__name__}.plan"), name)
    warnings.warn(f"import {name} from etl_framework.plan.plan", DeprecationWarning, stacklevel=2)
    return value
