"""Load a pipeline's DAG, made by dag-factory, into a stub in `dags/`."""

from __future__ import annotations

import logging
import os
import re
from contextlib import suppress
from pathlib import Path
from typing import Any

from etl_framework import __version__
from etl_framework.airflow import _compat
from etl_framework.airflow.compiled import CompileError, all_compiled, compiled
from etl_framework.project.paths import pipeline_paths

TELEMETRY = "AIRFLOW__DAG_FACTORY__ENABLE_TELEMETRY"
os.environ.setdefault(TELEMETRY, "False")


def load_dag(pipeline: str, namespace: dict[str, Any], environment: str | None = None) -> None:
    """Put a pipeline's DAG into a DAG file's namespace, where Airflow finds it.

    This opens no connection, looks nothing up, and imports neither pandas nor any engine.

    :param namespace: `globals()` of the DAG file, whose `__file__` shows where the project is.
    :param environment: a name in `environments.yml`; if not given, the one in the variable
        AIRFLOW__ETL__ENVIRONMENT, else the file's default.
    :raises CompileError: the pipeline's files are wrong; Airflow shows it as an import error.
    """
    root = project_of(Path(namespace["__file__"]))
    environment = environment or os.environ.get("AIRFLOW__ETL__ENVIRONMENT")
    _put(pipeline, compiled(root, pipeline, environment), namespace)


def load_dags(folder: str, namespace: dict[str, Any], environment: str | None = None) -> None:
    """Put the DAGs of all pipelines in a folder, and below it, into a DAG file's namespace.

    What is wrong with some of them becomes the file's import error, and the DAGs of the others
    stay.

    :param folder: from the project's folder: `pipelines/shop`.
    :param namespace: `globals()` of the DAG file.
    :param environment: as for `load_dag`.
    :raises CompileError: there is no pipeline in the folder.
    """
    root = project_of(Path(namespace["__file__"]))
    environment = environment or os.environ.get("AIRFLOW__ETL__ENVIRONMENT")
    names = _names_below(root, folder)
    if not names:
        raise CompileError(f"there is no pipeline in {folder}")
    wanted = getattr(_compat.get_parsing_context(), "dag_id", None)
    wrong = dict[str, str]()
    for name, config in all_compiled(
        root, [wanted] if wanted in names else names, environment
    ).items():
        if isinstance(config, str):
            wrong[name] = config
            continue
        try:
            _put(name, config, namespace)
        except Exception as error:  # noqa: BLE001 - one of them must not take the others along
            wrong[name] = f"{type(error).__name__}: {error}"
    if wrong:
        namespace["_wrong"] = _compat.broken_dag(f"etl_wrong_{Path(folder).name}", wrong)


def _names_below(root: Path, folder: str) -> list[str]:
    """The names of the pipelines in a folder, without reading more of their files than needed."""
    import yaml

    names = list[str]()
    for path in pipeline_paths(root):
        if not path.startswith(f"{folder.strip('/')}/"):
            continue
        text = (root / path).read_text(encoding="utf-8", errors="replace")
        instances = None
        if re.search(r"^instances:", text, re.MULTILINE):
            with suppress(yaml.YAMLError):
                instances = (yaml.safe_load(text) or {}).get("instances")
        names += map(str, instances) if isinstance(instances, dict) else [Path(path).stem]
    return names


def _put(pipeline: str, config: dict[str, Any], namespace: dict[str, Any]) -> None:
    """Make a DAG, and put it into a namespace."""
    if _compat.get_parsing_context().task_id:
        from etl_framework.airflow.build import build

        namespace[pipeline] = dag = build(pipeline, config[pipeline])
    else:
        dag = _by_dag_factory(pipeline, config, namespace)
    dag.doc_md = f"{config[pipeline]['doc_md']}\n\netl-framework {__version__}"
    if deadline := config[pipeline].get("deadline"):
        _compat.add_deadline(dag, **deadline)
    dag.fileloc = namespace["__file__"]


def project_of(file: Path) -> Path:
    """The project of a DAG file: the nearest folder above it with an `environments.yml`.

    :raises CompileError: there is no such folder.
    """
    for folder in file.resolve().parents:
        if (folder / "environments.yml").is_file():
            return folder
    raise CompileError(f"{file} lies in no project: no folder above it has an environments.yml")


def _by_dag_factory(name: str, config: dict[str, Any], namespace: dict[str, Any]) -> Any:
    """Make the DAG; the caller then mends its `doc_md` and `fileloc`, which dag-factory gets wrong.

    dag-factory appends its whole configuration to the doc, and gives its own file as the DAG's.
    """
    from dagfactory import load_yaml_dags, settings
    from dagfactory.utils import cast_with_type

    if os.environ[TELEMETRY].strip().lower() not in ("t", "true", "1"):
        # Its plug-in for Airflow may have read the setting before this module was imported.
        settings.enable_telemetry = False
    logging.getLogger("dagfactory").setLevel(logging.WARNING)
    load_yaml_dags(globals_dict=namespace, config_dict=cast_with_type(config))
    dag = namespace[name]
    # Its plug-in, in the scheduler, tells of the runs of the DAGs that have this tag.
    dag.tags = type(dag.tags)(tag for tag in dag.tags if tag != "dagfactory")
    return dag
