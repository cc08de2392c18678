"""Rules about templates, and about the inputs of Python transforms."""

from __future__ import annotations

from collections.abc import Iterator

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.lint.base import Checked, Rule
from etl_framework.project.project import Project


class Templates(Rule):
    """Every template renders, parses, names what exists, and gives what its `columns` promise."""

    codes = (
        "E302",
        "E304",
        "E401",
        "E402",
        "E403",
        "E410",
        "E411",
        "E412",
        "E413",
        "E414",
        "E415",
        "E420",
        "E421",
    )

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            yield from checked.compilation.diagnostics


class PythonInputs(Rule):
    """A Python transform names inputs that exist."""

    codes = ("E411",)

    def check(self, project: Project, files: list[Checked]) -> Iterator[Diagnostic]:
        for checked in files:
            known = {*checked.pipeline.relations(), *checked.pipeline_file.broken()}
            for name, transform in checked.pipeline.transforms.items():
                for index, given in enumerate(transform.inputs):
                    if given not in known:
                        keys = ("transforms", name, "inputs", index)
                        hint = did_you_mean(given, known)
                        message = f"unknown relation '{given}'"
                        yield checked.pipeline_file.file.diagnostic(keys, "E411", message, hint)
