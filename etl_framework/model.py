"""The base classes of everything that a YAML file can say."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict, Field, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic_core import PydanticCustomError, core_schema

Name = Annotated[
    str,
    Field(
        pattern=r"^[a-z][a-z0-9_]{0,62}$",
        description="Lower case letters, digits and underscores, starting with a letter.",
    ),
]


class Model(BaseModel):
    """Unknown keys are errors, and a loaded file never changes."""

    model_config = ConfigDict(
        extra="forbid", frozen=True, strict=False, use_attribute_docstrings=False
    )


def wrong_at(problem: str, *at: str | int) -> PydanticCustomError:
    """Make the error that a validator of a block raises, with the keys to the problem in it."""
    return PydanticCustomError("value_error", "{problem}", {"problem": problem, "at": at})


# Values that a template may use as `params.x`.
Params = dict[Name, bool | int | float | str | list[int | float | str]]


# The severity of what is reported and stops nothing, and its former name in files.
WARNING, _WARN = "warning", "warn"


def one_word(value: str) -> str:
    """Return `warning` for the former name `warn`, and any other word as it is."""
    return WARNING if value == _WARN else value


class Written:
    """A value with a short form of its own, such as `decimal(10,2)` or `">1%"`."""

    examples: ClassVar[list[str]]
    # The short form in JSON Schema, for editors.
    form: ClassVar[dict[str, Any]] = {"type": "string"}

    @classmethod
    def parse(cls, written: object) -> Self:
        """Read the short form.

        :raises ValueError: the value is not in the short form.
        """
        raise NotImplementedError

    @classmethod
    def __get_pydantic_core_schema__(
        cls, source: Any, handler: GetCoreSchemaHandler
    ) -> core_schema.CoreSchema:
        return core_schema.no_info_plain_validator_function(
            cls.parse, serialization=core_schema.to_string_ser_schema()
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: core_schema.CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        return {**cls.form, "examples": cls.examples}
