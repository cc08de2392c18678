"""The JSON Schemas that editors use, made from the models."""

from __future__ import annotations

import json
from typing import Any

FILES = {
    "pipeline": "pipeline.schema.json",
    "environments": "environments.schema.json",
    "defaults": "defaults.schema.json",
    "policies": "policies.schema.json",
    "template": "template.schema.json",
}
# What a file of `pipelines/` says that is made of a template.
CALL: dict[str, Any] = {
    "template": {
        "type": "string",
        "examples": ["daily_events"],
        "description": "A file under `pipeline_templates/`, without `.yml`; what stands here"
        " besides wins over what it says.",
    },
    "with": {"type": "object", "description": "The template's parameters, each with its value."},
    "instances": {
        "type": "object",
        "additionalProperties": {"type": "object"},
        "examples": [{"clicks": {"source": "clicks"}, "views": {"source": "views"}}],
        "description": "Several pipelines: the name of each, with the template's parameters.",
    },
}


def schemas() -> dict[str, str]:
    """Return the text of every schema, by its name in `FILES`."""
    from etl_framework.lint.policy_file import Policies
    from etl_framework.model import Model
    from etl_framework.project.environments import Environments
    from etl_framework.project.models import Pipeline
    from etl_framework.project.template import Template

    models: dict[str, type[Model]] = {
        "pipeline": Pipeline,
        "environments": Environments,
        "policies": Policies,
        "template": Template,
    }
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema"}
    made = {name: head | _described(model.model_json_schema()) for name, model in models.items()}
    made["defaults"] = _of_defaults(made["pipeline"])
    _let_others_say(made["pipeline"])
    return {name: json.dumps(schema, indent=2) + "\n" for name, schema in made.items()}


def _let_others_say(pipeline: dict[str, Any]) -> None:
    """Require of a file of `pipelines/` only what neither defaults nor a template may say."""
    pipeline["properties"] |= CALL
    pipeline["anyOf"] = [{"required": pipeline.pop("required")}, {"required": ["template"]}]
    for block in pipeline["$defs"].values():
        if "connection" in block.get("required", ()):
            block["required"].remove("connection")


def _of_defaults(pipeline: dict[str, Any]) -> dict[str, Any]:
    """The schema of `defaults.yml`: what pipelines may have in common."""
    from etl_framework.project.defaults import OWN, block_keys

    blocks = {
        kind: {
            "type": "object",
            "additionalProperties": False,
            "description": f"Defaults of each {kind} whose type has the key.",
            "properties": {key: _property(pipeline, key) for key in sorted(keys)},
        }
        for kind, keys in block_keys().items()
    }
    own = {key: value for key, value in pipeline["properties"].items() if key not in OWN}
    description = "What the pipelines of a folder, and of those below it, have in common."
    made = {**pipeline, "title": "Defaults", "description": description}
    made["properties"] = {**own, **blocks}
    del made["required"]
    return made


def _property(schema: dict[str, Any], key: str) -> dict[str, Any]:
    """What the schema says of a key, in the first block that has it."""
    for block in schema["$defs"].values():
        if key in block.get("properties", {}):
            found: dict[str, Any] = block["properties"][key]
            return found
    return {}


def _described(schema: dict[str, Any]) -> dict[str, Any]:
    """Copy each plug-in's description to its `type`, where editors show it."""
    for block in schema["$defs"].values():
        kind = block.get("properties", {}).get("type", {})
        if "const" in kind:
            kind["description"] = block["description"]
    return schema
