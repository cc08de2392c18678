"""The JSON Schemas that editors use, made from the models."""

from __future__ import annotations

import json
from typing import Any

FILES = {"pipeline": "pipeline.schema.json", "environments": "environments.schema.json"}


def schemas() -> dict[str, str]:
    """Return the text of every schema, by its name in `FILES`."""
    from etl_framework.model import Model
    from etl_framework.project.environments import Environments
    from etl_framework.project.models import Pipeline

    models: dict[str, type[Model]] = {"pipeline": Pipeline, "environments": Environments}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    return {
        name: json.dumps(head | _described(model.model_json_schema()), indent=2) + "\n"
        for name, model in models.items()
    }


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Copy each plug-in's description to its `type`, where editors show it."""
    for block in schema["$defs"].values():
        kind = block.get("properties", {}).get("type", {})
        if "const" in kind:
            kind["description"] = block["description"]
    return schema
