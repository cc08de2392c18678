"""The findings that can be fixed with certainty, and the edit for each of them.

They are fixed only where the meaning is certain: a key that is misspelt by a letter, a text that
needs quotes, a function that has another name in Redshift. The author decides the rest.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, get_args, get_origin

from etl_framework.errors import Diagnostic
from etl_framework.lint.base import source_of
from etl_framework.lint.edits import Edit
from etl_framework.model import Model
from etl_framework.project.environments import Environments
from etl_framework.project.models import Pipeline
from etl_framework.project.paths import POLICIES
from etl_framework.project.project import ENVIRONMENTS, Project
from etl_framework.project.validate import model_at
from etl_framework.project.yaml_file import Keys, YamlFile, read_yaml

NEAR = 0.8
_MEANT = re.compile(r"did you mean '(.+)'\?")
_QUOTED = re.compile(r"'([^']+)'")
# Functions that mean the same under another name.
RENAMED = {"ifnull": "COALESCE"}
_SWITCH = {"yes": "true", "on": "true", "no": "false", "off": "false"}


@dataclass(frozen=True)
class _Spot:
    """A problem, with the text of its line before its place and from its place on."""

    problem: Diagnostic
    before: str
    after: str
    file: YamlFile | None

    def edit(self, old: str, new: str) -> Edit:
        """Return the edit that replaces the text at the place."""
        return Edit(self.problem.path, self.problem.line, self.problem.column, old, new)


def edits_of(project: Project, problems: list[Diagnostic]) -> Iterator[tuple[Diagnostic, Edit]]:
    """Return every problem that can be fixed, with the edit that fixes it."""
    files = {pipeline_file.file.path: pipeline_file.file for pipeline_file in project.pipelines}
    files[ENVIRONMENTS] = project.environments_file
    if any(problem.path == POLICIES for problem in problems):
        files[POLICIES] = read_yaml(project.root / POLICIES, POLICIES)
    for problem in problems:
        fix = FIXES.get(problem.code)
        lines = source_of(project, problem.path).split("\n") if fix else []
        if fix and 0 < problem.line <= len(lines):
            line, at = lines[problem.line - 1], problem.column - 1
            edit = fix(_Spot(problem, line[:at], line[at:], files.get(problem.path)))
            if edit is not None:
                yield problem, edit


def _misspelt(spot: _Spot) -> Edit | None:
    """Correct a word that differs by a letter or two from the only similar word."""
    meant, given = _MEANT.search(spot.problem.hint), _QUOTED.search(spot.problem.message)
    if not (meant and given) or difflib.SequenceMatcher(None, given[1], meant[1]).ratio() < NEAR:
        return None
    quote = spot.after[:1] if spot.after[:1] in ("'", '"') else ""
    word = f"{quote}{given[1]}{quote}"
    taken = spot.problem.code == "E202" and meant[1] in _siblings(spot)
    whole = re.match(rf"{re.escape(word)}(?!\w)", spot.after)
    return spot.edit(word, f"{quote}{meant[1]}{quote}") if whole and not taken else None


def _siblings(spot: _Spot) -> set[str]:
    """Return all keys of the block in which the key at the place stands."""
    places = spot.file.keys if spot.file else {}
    at = (spot.problem.line, spot.problem.column)
    blocks = {keys[:-1] for keys, place in places.items() if place == at}
    return {str(keys[-1]) for keys in places if keys[:-1] in blocks}


def _trap(spot: _Spot) -> Edit | None:
    """Quote a text that versions of YAML read differently; write true or false for a boolean."""
    given, file = _QUOTED.search(spot.problem.message), spot.file
    if not (given and file and spot.after.startswith(given[1])) or given[1].endswith("…"):
        return None
    at = (spot.problem.line, spot.problem.column)
    keys = next((keys for keys, place in file.values.items() if place == at), None)
    if keys is None or "params" in keys:
        return None
    wanted = _types(file, keys)
    if bool in wanted:
        new = _SWITCH.get(given[1].lower())
        return spot.edit(given[1], new) if new else None
    if wanted & {int, float} and str not in wanted:
        return None
    return spot.edit(given[1], f'"{given[1]}"')


def _types(file: YamlFile, keys: Keys) -> set[Any]:
    """Return the types that the value at some keys may have; none if they are not known."""
    model: type[Model] = Environments if file.path == ENVIRONMENTS else Pipeline
    if file.path == POLICIES:
        from etl_framework.lint.policy_file import Policies

        model = Policies
    owner = model_at(model, keys[:-1], file.data)
    field = getattr(owner, "model_fields", {}).get(str(keys[-1]))
    return set(_plain(field.annotation)) if field else set()


def _plain(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is None:
        yield annotation
    for argument in get_args(annotation):
        yield from _plain(argument)


def _unseen(spot: _Spot) -> Edit | None:
    return spot.edit(spot.after[:1], " " if spot.problem.hint == "type a space" else "")


def _renamed(spot: _Spot) -> Edit | None:
    word = re.match(r"\w+", spot.after)
    new = RENAMED.get(word[0].lower()) if word else None
    return spot.edit(word[0], new) if word and new else None


def _noqa(spot: _Spot) -> Edit | None:
    """Remove a noqa comment that answers no finding and contains nothing else."""
    marker = re.search(r"\s*(?:#|--)\s*$", spot.before)
    whole = re.fullmatch(r"noqa:\s*\w+(\s+because\s.*)?", spot.after, re.IGNORECASE)
    if not (marker and whole and spot.problem.message.startswith("nothing here")):
        return None
    return Edit(
        spot.problem.path, spot.problem.line, marker.start() + 1, marker[0] + spot.after, ""
    )


FIXES: Mapping[str, Callable[[_Spot], Edit | None]] = {
    "E104": _trap,
    "E201": _misspelt,
    "E202": _misspelt,
    "E204": _misspelt,
    "E416": _renamed,
    "W101": _unseen,
    "W601": _noqa,
}
