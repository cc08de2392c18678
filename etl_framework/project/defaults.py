"""Defaults of pipelines: `defaults.yml` in `pipelines/` and in the folders below it.

The nearest one wins, and what a pipeline says itself wins over all. `tags` and `notify` are added
to those of the pipeline. `source`, `target` and `check` are defaults of every block of that kind,
as far as blocks of its type have the key.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from copy import copy
from functools import lru_cache
from pathlib import Path
from typing import Any

from etl_framework.checks.base import Check
from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.plugins import plugins
from etl_framework.project.paths import DEFAULTS
from etl_framework.project.yaml_file import Keys, YamlFile, read_shared
from etl_framework.sources.base import Source
from etl_framework.targets.target import Target

# What is of one pipeline alone.
OWN = ("name", "description", "after", "sources", "transforms", "kpis")
# Lists to which a folder adds; others are replaced.
ADDED = ("tags", "notify")
NO_MAPPING = "the file is not a mapping of keys to values"
SOURCE, TARGET, CHECK = "source", "target", "check"


@lru_cache(maxsize=4096)
def defaults_paths(path: str) -> tuple[str, ...]:
    """Where the defaults of a pipeline's file may be, the nearest first.

    For `pipelines/shop/orders.yml` these are `pipelines/shop/defaults.yml` and
    `pipelines/defaults.yml`.
    """
    folders = path.split("/")[:-1]
    return tuple("/".join([*folders[:n], DEFAULTS]) for n in range(len(folders), 0, -1))


def with_defaults(root: Path, file: YamlFile) -> YamlFile:
    """The file of a pipeline, with what it leaves to the defaults of its folders.

    What is wrong with these is added to the diagnostics, and points to them.
    """
    found = [given for path in defaults_paths(file.path) if (given := read_shared(root, path))]
    if not found or not isinstance(file.data, dict):
        return file
    filled = copy(file)
    filled.data, filled.others = dict(file.data), dict(file.others)
    filled.diagnostics = list(file.diagnostics)
    for given in found:
        filled.diagnostics += given.diagnostics
        if isinstance(given.data, dict):
            filled.diagnostics += _wrong(given)
            _fill(filled, given)
        elif not given.diagnostics and given.data is not None:
            filled.diagnostics.append(given.diagnostic((), "E204", NO_MAPPING))
    return filled


def _wrong(given: YamlFile) -> Iterator[Diagnostic]:
    """What is no default: keys of one pipeline, and keys that no block of a kind has."""
    for key in given.data:
        if key in OWN:
            message = f"'{key}' is of one pipeline, and no default"
            yield given.diagnostic((key,), "E202", message, "write it there", of_key=True)
    for kind, known in block_keys().items():
        block = given.data.get(kind, {})
        if not isinstance(block, dict):
            yield given.diagnostic((kind,), "E204", f"'{kind}' is no mapping of keys to values")
            continue
        for key in block:
            if key not in known:
                message, hint = f"no {kind} has a key '{key}'", did_you_mean(str(key), known)
                yield given.diagnostic((kind, key), "E202", message, hint, of_key=True)


def block_keys() -> dict[str, set[str]]:
    """The keys that `source`, `target` and `check` may give defaults for."""
    return {
        SOURCE: {key for model in plugins(Source).values() for key in _keys(model)} - {"type"},
        TARGET: _keys(Target) - {"table"},
        CHECK: {key for model in plugins(Check).values() for key in _keys(model)} - {"type"},
    }


def _keys(model: type[Any]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def _fill(file: YamlFile, given: YamlFile) -> None:
    """Add to the file what it does not say, with the places in the other file."""
    for key, value in given.data.items():
        if key in (*OWN, SOURCE, TARGET, CHECK):
            continue
        if key in ADDED and isinstance(value, list) and isinstance(file.data.get(key), list):
            ours = list(file.data[key])
            for index, item in enumerate(value):
                if item not in ours:
                    file.others[key, len(ours)] = given, (key, index)
                    ours.append(item)
            file.data[key] = ours
        elif key not in file.data:
            file.data[key] = value
            file.others[(key,)] = given, (key,)
    for kind, blocks in _blocks(file).items():
        block = given.data.get(kind)
        for keys, fields in blocks if isinstance(block, dict) else ():
            _fill_block(file, given, kind, keys, fields)


def _fill_block(file: YamlFile, given: YamlFile, kind: str, keys: Keys, fields: set[str]) -> None:
    *around, last = keys
    parent: Any = file.data
    for key in around:  # copied on the way: the file itself stays as it is
        parent[key] = copy(parent[key])
        parent = parent[key]
    block = parent[last] = dict(parent[last])
    for key, value in given.data[kind].items():
        if key in fields and key not in block:
            block[key] = value
            file.others[(*keys, key)] = given, (kind, key)


def _blocks(file: YamlFile) -> dict[str, list[tuple[Keys, set[str]]]]:
    """The blocks of each kind, with the keys that blocks of their type have."""
    found: dict[str, list[tuple[Keys, set[str]]]] = {SOURCE: [], TARGET: [], CHECK: []}
    for section in ("sources", "transforms", "kpis"):
        relations = file.data.get(section)
        for name, block in relations.items() if isinstance(relations, dict) else ():
            if not isinstance(block, dict):
                continue
            if section == "sources":
                found[SOURCE] += _of_type((section, name), block, plugins(Source))
            if isinstance(block.get("target"), dict):
                found[TARGET].append(((section, name, "target"), _keys(Target)))
            checks = block.get("checks")
            for index, check in enumerate(checks if isinstance(checks, list) else ()):
                if isinstance(check, dict):
                    keys = (section, name, "checks", index)
                    found[CHECK] += _of_type(keys, check, plugins(Check))
    return found


def _of_type(
    keys: Keys, block: Mapping[str, Any], models: Mapping[str, type[Any]]
) -> Sequence[tuple[Keys, set[str]]]:
    model = models.get(str(block.get("type")))
    return [(keys, _keys(model))] if model else []
