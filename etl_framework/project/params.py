"""Values that a pipeline's templates use, and that a run may be given."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field, model_validator

from etl_framework.checks.base import Check
from etl_framework.checks.sql import Sql
from etl_framework.model import Model, Params, wrong_at
from etl_framework.sources.base import Source

if TYPE_CHECKING:
    from etl_framework.project.models import Pipeline

Scalar = bool | int | float | str
_NAMED = re.compile(r"^\{\{\s*params\.(\w+)\s*\}\}$")
_WORDS = {"true": True, "false": False}
_SAMPLES: dict[str, Scalar] = {
    "string": "x", "integer": 1, "number": 1.0, "boolean": True, "date": "2024-01-01",
}  # fmt: skip


class Param(Model):
    """A value of a pipeline; a plain value in its place is the default."""

    type: Literal["string", "integer", "number", "boolean", "date"] = Field(
        "string", description="What the value is; a date is written 2024-06-25."
    )
    default: Scalar | date | None = Field(
        None, description="The value if a run is given none; without it, a run needs one."
    )
    description: str = Field("", description="What the value is for.")
    choices: list[Scalar | date] = Field([], description="The only values that it may have.")

    @model_validator(mode="before")
    @classmethod
    def _plain(cls, given: Any) -> Any:
        """Read `limit: 10` as an integer whose default is 10."""
        if isinstance(given, bool):
            return {"type": "boolean", "default": given}
        if isinstance(given, int | float):
            return {"type": "integer" if isinstance(given, int) else "number", "default": given}
        if isinstance(given, date):
            return {"type": "date", "default": given}
        return {"default": given} if isinstance(given, str) else given

    @model_validator(mode="after")
    def _fitting(self) -> Param:
        given: dict[tuple[str | int, ...], Any] = {
            ("choices", index): choice for index, choice in enumerate(self.choices)
        }
        if self.default is not None:
            given["default",] = self.default
        for at, value in given.items():
            try:
                self.read(value)
            except ValueError as error:
                raise wrong_at(str(error), *at) from error
        return self

    def read(self, given: object) -> Scalar:
        """A value as templates get it.

        :param given: as YAML has it, or as text.
        :raises ValueError: it is not of the type, or none of the choices.
        """
        value = self._typed(given)
        if self.choices and value not in [self._typed(choice) for choice in self.choices]:
            choices = ", ".join(str(choice) for choice in self.choices)
            raise ValueError(f"'{given}' is none of {choices}")
        return value

    def _typed(self, given: object) -> Scalar:
        text = str(given).strip()
        if self.type == "string" and not isinstance(given, bool | float | int):
            return str(given)
        if self.type == "boolean" and text.lower() in _WORDS:
            return _WORDS[text.lower()]
        if self.type == "integer" and re.fullmatch(r"[+-]?\d{1,18}", text):
            return int(text)
        if self.type == "number" and re.fullmatch(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", text):
            return float(text)
        if self.type == "date" and re.fullmatch(r"\d{4}-\d\d-\d\d", text):
            return date.fromisoformat(text).isoformat()
        article = "an" if self.type == "integer" else "a"
        raise ValueError(f"'{given}' is not {article} {self.type}")

    @property
    def sample(self) -> Scalar:
        """A value to look at templates with: the default, else some value of the type."""
        given = next((v for v in (self.default, *self.choices) if v is not None), None)
        return _SAMPLES[self.type] if given is None else self.read(given)


def in_path(path: str, values: Mapping[str, Any]) -> str:
    """A path with the values of params in it: `{{ params.country }}/*.csv`."""

    def value(found: re.Match[str]) -> str:
        known = values.get(found[1])
        return found[0] if known is None else str(known)

    return re.sub(r"\{\{\s*params\.(\w+)\s*\}\}", value, path)


def with_values(model: Pipeline, given: Mapping[str, Scalar], *, paths: bool = True) -> Pipeline:
    """A pipeline whose templates see values under `params`, which are the defaults of its params.

    Of a param without a value they see a sample. The function of a Python transform gets those
    that its own `params` name: `"{{ params.x }}"`.

    :param paths: put them into the paths of sources, too.
    """
    values = {name: given.get(name, param.sample) for name, param in model.params.items()}
    sources = {
        name: source.model_copy(update=_of_source(source, values, paths=paths))
        for name, source in model.sources.items()
    }
    queries = {
        section: {
            name: query.model_copy(
                update={
                    "params": _merged(query.params, values, seen=bool(query.sql)),
                    "checks": _checks(query.checks, values),
                }
            )
            for name, query in getattr(model, section).items()
        }
        for section in ("transforms", "kpis")
    }
    params = {
        name: param.model_copy(update={"default": given.get(name, param.default)})
        for name, param in model.params.items()
    }
    return model.model_copy(update={"params": params, "sources": sources, **queries})


def _of_source(source: Source, values: Mapping[str, Scalar], *, paths: bool) -> dict[str, Any]:
    changed: dict[str, Any] = {"checks": _checks(source.checks, values)}
    path = getattr(source, "path", None)
    if paths and isinstance(path, str):
        changed["path"] = in_path(path, values)
    return changed


def _checks(checks: Sequence[Check], values: Mapping[str, Scalar]) -> list[Check]:
    return [
        check.model_copy(update={"params": _merged(check.params, values, seen=True)})
        if isinstance(check, Sql)
        else check
        for check in checks
    ]


def _merged(own: Params, values: Mapping[str, Scalar], *, seen: bool) -> Params:
    """The values of a query, with those of the pipeline if its template sees them."""
    named = {name: _NAMED.match(v) if isinstance(v, str) else None for name, v in own.items()}
    filled = {
        name: values.get(found[1], own[name]) if found else own[name]
        for name, found in named.items()
    }
    return {**values, **filled} if seen else filled
