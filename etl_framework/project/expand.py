"""Expand a file that names a template into the pipelines that it means.

    template: daily_events
    with: {source: clicks}

The template's `{{ with.source }}` become the values, and what the file says besides wins: a block
of the same name in place of the template's, others beside those; `tags` and `notify` are added.
Under `instances:` one file makes several pipelines, each by its name with its values.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from etl_framework.project.defaults import ADDED
from etl_framework.project.fill import WITH, Filler
from etl_framework.project.relation import SECTIONS
from etl_framework.project.template import arguments_of, no_template, read_template
from etl_framework.project.yaml_file import Keys, YamlFile

TEMPLATE, INSTANCES = "template", "instances"
CALL = (TEMPLATE, WITH, INSTANCES)
# Mappings to whose names a caller adds; of other keys the caller's value takes the place.
MERGED = (*SECTIONS.values(), "params")
DEPTH = 5
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


@dataclass(frozen=True)
class Expanded:
    """A pipeline that a file makes of a template.

    :param templates: the paths of the templates' files.
    """

    name: str
    file: YamlFile
    templates: tuple[str, ...]


def expand(root: Path, file: YamlFile) -> list[Expanded]:
    """The pipelines that a file makes of a template; none if it names no template.

    Mistakes are added to the diagnostics of each.
    """
    if not isinstance(file.data, dict) or TEMPLATE not in file.data:
        return []
    stem = Path(file.path).stem
    instances = file.data.get(INSTANCES)
    if instances is None:
        return [_expanded(root, file, stem, (WITH,))]
    problem = ""
    if not isinstance(instances, dict) or not instances:
        problem = "'instances' is a mapping of pipelines' names to the template's values"
    elif WITH in file.data:
        problem = "a file has either 'with' or 'instances'"
    elif "name" in file.data:
        problem = "the names of the pipelines stand under 'instances'"
    elif wrong := [name for name in instances if not _NAME.fullmatch(str(name))]:
        problem = f"'{wrong[0]}' is not a valid name"
    if problem:
        broken = _copy(file, {})
        broken.data = None
        broken.diagnostics.append(file.diagnostic((INSTANCES,), "E328", problem, of_key=True))
        return [Expanded(stem, broken, ())]
    return [_expanded(root, file, str(name), (INSTANCES, name)) for name in instances]


def _expanded(root: Path, file: YamlFile, name: str, keys: Keys) -> Expanded:
    given: Any = file.data
    for key in keys:
        given = given.get(key)
    said = {key: value for key, value in file.data.items() if key not in CALL}
    made = _copy(file, {"name": name, **said})
    if given is not None and not isinstance(given, dict):
        message = f"'{keys[-1]}' is a mapping of the template's parameters to values"
        made.diagnostics.append(file.diagnostic(keys, "E328", message))
        made.data = None
        return Expanded(name, made, ())
    if "name" not in said:
        made.others["name",] = file, (keys if keys[0] == INSTANCES else (TEMPLATE,))
    return Expanded(name, made, tuple(_fill(root, made, file, keys, given or {}, [])))


def _copy(file: YamlFile, data: dict[str, Any]) -> YamlFile:
    made = copy(file)
    made.data, made.others = data, dict(file.others)
    made.keys, made.values = dict(file.keys), dict(file.values)
    made.diagnostics = list(file.diagnostics)
    return made


def _fill(
    root: Path,
    made: YamlFile,
    caller: YamlFile,
    keys: Keys,
    given: dict[str, Any],
    stack: list[str],
) -> Iterator[str]:
    """Add to a pipeline what the caller's template says, and yield the paths of templates."""
    name = caller.data[TEMPLATE]
    fits = isinstance(name, str) and re.fullmatch(r"\w+(/\w+)*", name)
    file, template = read_template(root, name) if fits else (None, None)
    if file is None:
        made.diagnostics.append(no_template(caller, root, name))
        made.data = None
        return
    yield file.path
    made.diagnostics += [d for d in file.diagnostics if d not in made.diagnostics]
    if template is None:
        made.data = None
        return
    if name in stack or len(stack) >= DEPTH:
        circle = " -> ".join([*stack, name])
        message = f"these templates call each other: {circle}"
        made.diagnostics.append(caller.diagnostic((TEMPLATE,), "E328", message))
        made.data = None
        return
    reporting = _reporting(caller, made)
    before = len(made.diagnostics)
    values = arguments_of(template, reporting, keys, given)
    if len(made.diagnostics) > before:
        made.data = None  # what follows from a wrong value is no mistake of its own
        return
    filler = Filler(file, caller, keys, given, values)
    content = filler.filled(template.pipeline, ("pipeline",), ())
    made.diagnostics += filler.problems
    inner = _copy(file, content)
    inner.others = filler.others
    _merge(made, inner)
    if TEMPLATE in content:
        call = content.get(WITH)
        yield from _fill(
            root, made, inner, (WITH,), call if isinstance(call, dict) else {}, [*stack, name]
        )


def _reporting(caller: YamlFile, made: YamlFile) -> YamlFile:
    """The caller, whose diagnostics become those of the pipeline."""
    reporting = copy(caller)
    reporting.diagnostics = made.diagnostics
    return reporting


def _merge(made: YamlFile, inner: YamlFile) -> None:
    """Add what the template says to what its caller says."""
    for key, value in inner.data.items():
        ours = made.data.get(key)
        if key in CALL or key == "name":
            continue
        if key in MERGED and isinstance(ours, dict) and isinstance(value, dict):
            made.data[key] = {**value, **ours}
            for name in value.keys() - ours.keys():
                _take_places(made, inner, (key, name))
        elif key in ADDED and isinstance(ours, list) and isinstance(value, list):
            listed = list(ours)
            for index, item in enumerate(value):
                if item not in listed:
                    made.others[key, len(listed)] = inner.owner((key, index))
                    listed.append(item)
            made.data[key] = listed
        elif key not in made.data:
            made.data[key] = value
            _take_places(made, inner, (key,))


def _take_places(made: YamlFile, inner: YamlFile, keys: Keys) -> None:
    """Let a part of a pipeline, and what is in it, stand where the template's filler says."""
    made.others[keys] = inner.owner(keys)
    for there, place in inner.others.items():
        if there[: len(keys)] == keys:
            made.others[there] = place
