"""The base of everything that a YAML file can say."""

from __future__ import annotations

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

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
