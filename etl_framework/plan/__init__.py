"""Turn a pipeline's file into a plan of frozen steps: draft, compile and plan its SQL."""

from __future__ import annotations

import warnings
from typing import Any


def __getattr__(name: str) -> Any:
    """Let scripts import names of `plan.plan` from here as before, with a warning; until 0.2."""
    if name.startswith("_"):
        raise AttributeError(name)
    from etl_framework.plan import plan

    value = getattr(plan, name)
    warnings.warn(f"import {name} from etl_framework.plan.plan", DeprecationWarning, stacklevel=2)
    return value
