"""The file `policies.yml`: the policies of a project, each by its name."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from etl_framework.lint.policies.base import Policy
from etl_framework.model import Model, Name
from etl_framework.plugins import one_of
from etl_framework.project.paths import POLICIES
from etl_framework.project.validate import validate
from etl_framework.project.yaml_file import YamlFile, read_yaml

if TYPE_CHECKING:
    AnyPolicy = Policy
else:
    AnyPolicy = one_of(Policy)


class Policies(Model):
    """What a team has agreed on about its pipelines; lint finds what breaks it."""

    policies: dict[Name, AnyPolicy] = Field(
        description="Each policy by its name, which findings say."
    )


def load_policies(root: Path) -> tuple[dict[str, Policy], YamlFile]:
    """Read a project's policies.

    :returns: the policies that could be read, by their names; the file with its diagnostics.
    """
    file = read_yaml(root / POLICIES, POLICIES)
    if file.data is None and file.diagnostics:
        return {}, file
    made, _ = validate(Policies, file)
    return (dict(made.policies) if made else {}), file
