"""From a pipeline's file to frozen steps: draft, compile, plan, and what is read off a plan."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """What scripts may import from here, as they did when the plan was one file; until 0.2."""
    if name.startswith("_"):
        raise AttributeError(name)
    from etl_framework.plan import plan

    value = getattr(plan, name)
    warnings.warn(f"import {name} from etl_framework.plan.plan", DeprecationWarning, stacklevel=2)
    return value
