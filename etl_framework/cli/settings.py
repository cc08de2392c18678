"""What a pipeline is set to, and which file says so."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from etl_framework.project.project import PipelineFile
    from etl_framework.project.yaml_file import Keys, YamlFile

Setting = tuple[str, str, str]


def settings_of(pipeline_file: PipelineFile) -> Iterator[Setting]:
    """Yield the settings of a pipeline: its name, its value, and where it stands.

    Those of blocks are told as far as defaults say them.
    """
    from etl_framework.project.defaults import OWN
    from etl_framework.project.paths import DEFAULTS

    file, model = pipeline_file.file, pipeline_file.model
    fields = type(model).model_fields if model else {}
    for name in fields:
        if name in OWN or model is None:
            continue
        said = name in file.data
        yield name, _text(getattr(model, name)), _place(file, (name,)) if said else "default"
    for keys, (other, there) in file.others.items():
        if len(keys) > 1 and other.path.endswith(DEFAULTS):
            value = file.data
            for key in keys:
                value = value[key]
            line = other.place(there, of_key=True)[0]
            yield ".".join(map(str, keys)), _text(value), f"{other.path}:{line}"


def _place(file: YamlFile, keys: Keys) -> str:
    other, there = file.owner(keys)
    return f"{other.path}:{other.place(there, of_key=True)[0]}"


def _text(value: object) -> str:
    if isinstance(value, list):
        return ", ".join(str(getattr(item, "type", item)) for item in value)
    return "" if value is None else str(value)
