"""Templates of pipelines: files in `pipeline_templates/`, with parameters that callers fill in."""

from __future__ import annotations

from datetime import date
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from etl_framework.errors import Diagnostic, did_you_mean
from etl_framework.model import Model, Name
from etl_framework.project.params import Param, Scalar
from etl_framework.project.paths import PIPELINE_TEMPLATES
from etl_framework.project.validate import validate
from etl_framework.project.yaml_file import Keys, YamlFile, read_yaml

_KINDS: dict[str, type] = {"list": list, "mapping": dict}


class Argument(Param):
    """What a template needs to know of its callers; a plain value in its place is the default."""

    type: Literal["string", "integer", "number", "boolean", "date", "list", "mapping"] = Field(  # type: ignore[assignment]
        "string", description="What the value is; the pipeline says what a list or mapping holds."
    )
    default: Scalar | date | list[Any] | dict[str, Any] | None = Field(  # type: ignore[assignment]
        None, description="The value if a caller gives none; without it, a caller needs one."
    )

    def read(self, given: object) -> Any:
        """A value as it is put into the pipeline.

        :raises ValueError: it is not of the type, or none of the choices.
        """
        nested = _KINDS.get(str(self.type))
        if nested is None and not isinstance(given, list | dict):
            return super().read(given)
        if nested is None or not isinstance(given, nested):
            what = "mapping" if isinstance(given, dict) else type(given).__name__
            raise ValueError(f"this is a {what}, and not a {self.type}")
        return given


class Template(Model):
    """A pipeline with places for values: `{{ with.source }}`, in keys, texts, or as a value."""

    description: str = Field("", description="What its pipelines do.")
    arguments: dict[Name, Argument] = Field(
        {}, alias="with", description="What a caller fills in: a type, a description, a default."
    )
    pipeline: dict[str, Any] = Field(
        description="The pipeline, as in `pipelines/`; its callers may say more, and other things."
    )


def read_template(root: Path, name: str) -> tuple[YamlFile | None, Template | None]:
    """The file of a template, and what it says; its mistakes are in the file's diagnostics.

    :returns: no file if there is none, no template if it is wrong.
    """
    path = f"{PIPELINE_TEMPLATES}/{name}.yml"
    try:
        stat = (root / path).stat()
    except OSError:
        return None, None
    return _read_once(root / path, path, (stat.st_mtime_ns, stat.st_size, stat.st_ino))


@lru_cache(maxsize=256)
def _read_once(file: Path, shown: str, stamp: tuple[int, ...]) -> tuple[YamlFile, Template | None]:
    read = read_yaml(file, shown)
    if read.data is None and read.diagnostics:
        return read, None
    return read, validate(Template, read)[0]


def template_names(root: Path) -> list[str]:
    """The names of a project's templates, sorted: their paths below the folder, without `.yml`."""
    folder = root / PIPELINE_TEMPLATES
    files = sorted(folder.rglob("*.yml")) if folder.is_dir() else []
    return [file.relative_to(folder).with_suffix("").as_posix() for file in files]


def arguments_of(
    template: Template, caller: YamlFile, keys: Keys, given: dict[str, Any]
) -> dict[str, Any]:
    """The values that a caller gives a template, and the defaults of others.

    Mistakes are added to the caller's diagnostics; a value that is wrong is left out.

    :param keys: where the caller gives them.
    """
    values: dict[str, Any] = {}
    for name in given:
        if name not in template.arguments:
            message, hint = f"the template has no '{name}'", did_you_mean(name, template.arguments)
            caller.diagnostics.append(
                caller.diagnostic((*keys, name), "E328", message, hint, of_key=True)
            )
    for name, argument in template.arguments.items():
        value = given.get(name, argument.default)
        if value is None:
            about = f": {argument.description}" if argument.description else ""
            message = f"the template needs '{name}'{about}"
            hint = f"write '{name}: ...' under `with`"
            caller.diagnostics.append(caller.diagnostic(keys, "E328", message, hint, of_key=True))
            continue
        try:
            values[name] = argument.read(value)
        except ValueError as error:
            problem = caller.diagnostic((*keys, name), "E328", f"'{name}': {error}")
            caller.diagnostics.append(problem)
    return values


def no_template(caller: YamlFile, root: Path, name: object) -> Diagnostic:
    """The diagnostic of a caller whose template is not there."""
    hint = did_you_mean(str(name), template_names(root))
    message = f"there is no template '{name}' in {PIPELINE_TEMPLATES}/"
    return caller.diagnostic(("template",), "E328", message, hint)
