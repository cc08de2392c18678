"""Make a model from a YAML file, and report every mistake in the file with its place."""

from __future__ import annotations

import types
from collections.abc import Iterator
from copy import deepcopy
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from pydantic import BaseModel, ValidationError

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.model import Model
from etl_framework.plugins import type_name
from etl_framework.project.yaml_file import Keys, YamlFile

M = TypeVar("M", bound=Model)
ROUNDS = 12
# What the blocks below a key are called.
KINDS = {
    "checks": "check",
    "sources": "source",
    "connections": "connection",
    "policies": "policy",
}


def validate(model: type[M], file: YamlFile) -> tuple[M | None, set[Keys]]:
    """Make a model from a file's content, and add a diagnostic to the file for every mistake.

    Parts that are wrong are left out and the rest is validated again, so that one mistake does not
    hide others.

    :returns: the model, or None if too much is wrong; and the keys of the parts left out.
    """
    left_out: set[Keys] = set()
    if not isinstance(file.data, dict):
        if not file.diagnostics:
            file.diagnostics.append(
                Diagnostic(file.path, 1, 1, "E204", "the file is not a mapping of keys to values")
            )
        return None, left_out
    data = deepcopy(file.data)
    for round_ in range(ROUNDS):
        try:
            return model.model_validate(data), left_out
        except ValidationError as error:
            parts: dict[Keys, str] = {}
            for keys, detail in _located(error, data):
                parts.setdefault(keys, detail["type"])
                # Later rounds also report what is missing because parts were left out, which is no
                # mistake. But they also check rules that need all parts of a block to be right.
                if round_ == 0 or (detail["type"] == "value_error" and not _within(keys, left_out)):
                    _report(file, model, keys, detail, data)
            _leave_out(file, data, parts, left_out)
    return None, left_out


def _within(keys: Keys, left_out: set[Keys]) -> bool:
    return any(part[: len(keys)] == keys and keys for part in left_out)


def _located(error: ValidationError, data: Any) -> Iterator[tuple[Keys, Any]]:
    """Each of pydantic's errors once, with the keys that lead to it in the file."""
    seen = set()
    for detail in error.errors(include_url=False):
        keys = (*_keys(detail["loc"], data), *detail.get("ctx", {}).get("at", ()))
        if keys not in seen or detail["type"] == "missing":
            seen.add(keys)
            yield keys, detail


def _keys(loc: tuple[str | int, ...], data: Any) -> Keys:
    """The keys in the file for pydantic's location, which also has a union's tag, for example."""
    keys: list[str | int] = []
    tag = True
    for part in loc:
        if isinstance(data, dict) and tag and part == data.get("type"):
            tag = False
        elif _has(data, part):
            data = data[part]
            keys.append(part)
            tag = True
    return tuple(keys)


def _has(data: Any, part: str | int) -> bool:
    if isinstance(data, list):
        return isinstance(part, int) and part < len(data)
    return isinstance(data, dict) and part in data


def _report(file: YamlFile, model: type[Model], keys: Keys, detail: Any, data: Any) -> None:
    kind, context = detail["type"], detail.get("ctx", {})
    last = keys[-1] if keys else ""
    if kind == "extra_forbidden":
        known = _fields(model_at(model, keys[:-1], data))
        diagnostic = file.diagnostic(
            keys, "E202", f"unknown key '{last}'", did_you_mean(str(last), known), of_key=True
        )
    elif kind == "missing":
        name = str(detail["loc"][-1])
        if _misspelt(name, model_at(model, keys, data), keys, data):
            return
        fields = getattr(model_at(model, keys, data), "model_fields", {})
        about = fields[name].description if name in fields else None
        hint = f"write '{name}: ...'{f': {about}' if about else ''}"
        diagnostic = file.diagnostic(
            keys, "E203", f"the key '{name}' is missing", hint, of_key=True
        )
    elif kind == "union_tag_not_found":
        known = _fields(model_at(model, keys, data))
        message, hint = "the key 'type' is missing", "write 'type: ...', which says what this is"
        diagnostic = file.diagnostic(keys, "E203", message, hint, of_key=True)
    elif kind == "union_tag_invalid":
        tags = [tag.strip().strip("'") for tag in context["expected_tags"].split(",")]
        word = next((KINDS[str(key)] for key in reversed(keys) if key in KINDS), "")
        message = f"unknown {word} type '{context['tag']}'".replace("  ", " ")
        diagnostic = file.diagnostic(
            (*keys, "type"), "E201", message, did_you_mean(context["tag"], tags)
        )
    else:
        diagnostic = _wrong_value(file, keys, detail)
    file.diagnostics.append(diagnostic)


def _misspelt(missing: str | int, model: Any, keys: Keys, data: Any) -> bool:
    """Whether the missing key is there in another spelling, which is reported by itself."""
    for key in keys:
        data = data[key] if _has(data, key) else None
    known = _fields(model)
    given = [str(key) for key in data if key not in known] if isinstance(data, dict) else []
    return any(did_you_mean(key, known) == f"did you mean '{missing}'?" for key in given)


def _wrong_value(file: YamlFile, keys: Keys, detail: Any) -> Diagnostic:
    message, hint = detail["msg"], ""
    if detail["type"] == "value_error":
        message, _, hint = message.removeprefix("Value error, ").partition("; ")
    elif detail["type"] == "string_pattern_mismatch":
        key = detail["loc"][-1] == "[key]"
        message = f"'{detail['input']}' is not a valid {'name' if key else keys[-1]}"
        hint = f"it matches {detail['ctx']['pattern']}"
        return file.diagnostic(keys, "E204", message, hint, of_key=key)
    elif detail["type"] == "literal_error":
        expected = detail["ctx"]["expected"].replace("'", "").replace(" or ", ", ").split(", ")
        message = f"'{detail['input']}' is not allowed for '{keys[-1]}'"
        hint = did_you_mean(str(detail["input"]), expected)
    else:
        message = message.replace("Input should be", "should be")
        shown = repr(detail["input"])
        message = f"'{keys[-1] if keys else 'the file'}' {message}, not {shown[:60]}"
    return file.diagnostic(keys, "E204", message, hint)


def _leave_out(file: YamlFile, data: Any, parts: dict[Keys, str], left_out: set[Keys]) -> None:
    """Remove the wrong parts: a key if its value is wrong, a block if a key is missing in it."""
    for keys in sorted(
        parts, key=lambda keys: [(isinstance(k, str), k) for k in keys], reverse=True
    ):
        if not keys:
            data.clear()
            continue
        parent = data
        for key in keys[:-1]:
            parent = parent[key] if _has(parent, key) else None
        if _has(parent, keys[-1]):
            del parent[keys[-1]]
            left_out.add(keys)
            if isinstance(keys[-1], int):
                _shift(file, keys)


def _shift(file: YamlFile, removed: Keys) -> None:
    """Correct the places of list items that moved up when another item was removed."""
    depth, index = len(removed) - 1, removed[-1]
    every: tuple[dict[Keys, Any], ...] = (file.keys, file.values, file.others)
    for places in every:
        moved = {}
        for keys, place in places.items():
            if keys[:depth] == removed[:depth] and len(keys) > depth:
                here = keys[depth]
                if here == index:
                    continue
                if isinstance(here, int) and isinstance(index, int) and here > index:
                    keys = (*keys[:depth], here - 1, *keys[depth + 1 :])
            moved[keys] = place
        places.clear()
        places.update(moved)


def _fields(model: Any) -> list[str]:
    is_model = isinstance(model, type) and issubclass(model, BaseModel)
    return list(model.model_fields) if is_model else []


def model_at(annotation: Any, keys: Keys, data: Any) -> Any:
    """The model for the value at `keys`; None if there is none."""
    annotation = _plain(annotation, data)
    if not keys:
        return annotation
    key, rest = keys[0], keys[1:]
    inner = data[key] if _has(data, key) else None
    if get_origin(annotation) in (dict, list):
        return model_at(get_args(annotation)[-1], rest, inner)
    if key in _fields(annotation):
        return model_at(annotation.model_fields[key].annotation, rest, inner)
    return None


def _plain(annotation: Any, data: Any) -> Any:
    """Reduce an annotation to one type: the one that is not None and that `type:` names."""
    if get_origin(annotation) is Annotated:
        return _plain(get_args(annotation)[0], data)
    if get_origin(annotation) in (Union, types.UnionType):
        tag = data.get("type") if isinstance(data, dict) else None
        options = [
            _plain(option, data) for option in get_args(annotation) if option is not type(None)
        ]
        for option in options:
            if "type" in _fields(option) and type_name(option) == tag:
                return option
        return options[0]
    return annotation
