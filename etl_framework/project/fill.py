"""Put values into the places of a template of pipelines, and remember where each part stands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.project.yaml_file import Keys, YamlFile

WITH = "with"
_NAMED = re.compile(r"\{\{\s*with\.(\w+)\s*\}\}")


class Filler:
    """Puts the values of one caller into one template.

    :param keys: where the caller gives them.
    """

    def __init__(
        self,
        file: YamlFile,
        caller: YamlFile,
        keys: Keys,
        given: Mapping[str, Any],
        values: Mapping[str, Any],
    ) -> None:
        self.others: dict[Keys, tuple[YamlFile, Keys]] = {}
        self.problems: list[Diagnostic] = []
        self._file, self._caller, self._keys = file, caller, keys
        self._given, self._values = given, values

    def filled(self, node: Any, there: Keys, here: Keys) -> Any:
        """A part of the template with its values.

        :param there: its keys in the template's file.
        :param here: its keys in the pipeline.
        """
        if isinstance(node, dict):
            return self._mapping(node, there, here)
        if isinstance(node, list):
            return self._list(node, there, here)
        return self._text(node, there, here) if isinstance(node, str) else node

    def _mapping(self, node: dict[str, Any], there: Keys, here: Keys) -> dict[str, Any]:
        found: dict[str, Any] = {}
        for key, value in node.items():
            name = str(self._text(key, (*there, key), ()))
            self.others[*here, name] = self._file, (*there, key)
            part = self.filled(value, (*there, key), (*here, name))
            if part is not None:
                found[name] = part
        return found

    def _list(self, node: list[Any], there: Keys, here: Keys) -> list[Any]:
        found: list[Any] = []
        for index, value in enumerate(node):
            whole = _NAMED.fullmatch(value) if isinstance(value, str) else None
            items = self._values.get(whole[1]) if whole else None
            if whole and isinstance(items, list):  # its items, in place of it
                for number, item in enumerate(items):
                    self.others[*here, len(found)] = self._file, (*there, index)
                    self._from_caller(whole[1], (*here, len(found)), number)
                    found.append(item)
                continue
            self.others[*here, len(found)] = self._file, (*there, index)
            part = self.filled(value, (*there, index), (*here, len(found)))
            if part is not None:
                found.append(part)
        return found

    def _text(self, text: str, there: Keys, here: Keys) -> Any:
        for found in _NAMED.finditer(text):
            if found[1] not in self._values and not self._is_known(found[1]):
                message = f"the template has no parameter '{found[1]}'"
                hint = did_you_mean(found[1], self._known)
                problem = self._file.diagnostic(there, "E328", message, hint, of_key=not here)
                self.problems.append(problem)
        if (whole := _NAMED.fullmatch(text)) and here:
            self._from_caller(whole[1], here)
            return self._values.get(whole[1])
        return _NAMED.sub(lambda found: _written(self._values.get(found[1])), text)

    @property
    def _known(self) -> list[str]:
        declared = self._file.data.get(WITH)
        return list(declared) if isinstance(declared, dict) else []

    def _is_known(self, name: str) -> bool:
        return name in self._known

    def _from_caller(self, name: str, here: Keys, *more: int) -> None:
        """Remember that a part is the caller's, so that what is wrong with it is told there."""
        if name in self._given:
            value: Any = self._given[name]
            for index in more:
                value = value[index]
            self._places(here, (*self._keys, name, *more), value)

    def _places(self, here: Keys, there: Keys, value: Any) -> None:
        self.others[here] = self._caller, there
        parts = enumerate(value) if isinstance(value, list) else ()
        for index, item in value.items() if isinstance(value, dict) else parts:
            self._places((*here, index), (*there, index), item)


def _written(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else "" if value is None else str(value)
