"""A pipeline as dag-factory's configuration: plain data, from which a DAG is made quickly.

Reading SQL takes half a second and a hundred megabytes, so it is done once for every change of a
file and not each time that Airflow parses a DAG.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from etl_framework.errors import ConfigError, did_you_mean
from etl_framework.interval import NONE
from etl_framework.plan.plan import Plan
from etl_framework.plan.step import Step
from etl_framework.project.models import Kpi, Pipeline
from etl_framework.project.params import Param
from etl_framework.project.project import ENVIRONMENTS, TEMPLATES, PipelineFile, Project
from etl_framework.report.pages import wall_of
from etl_framework.sources.files import FilesSource

OPERATORS = "etl_framework.airflow.operators"
OBJECTS = "etl_framework.airflow.objects"
CLASSES = {
    "extract": "ExtractOperator",
    "earlier": "EarlierOperator",
    "check": "CheckOperator",
    "transform": "TransformOperator",
    "kpi": "KpiOperator",
    "publish": "PublishOperator",
}
GROUPS = {
    "sources": "What the pipeline reads, and its checks.",
    "transforms": "Relations made of others.",
    "kpis": "Results, before they are published.",
}


def dag_factory_config(project: Project, plan: Plan) -> dict[str, Any]:
    """The DAG of a plan, as dag-factory reads it; `__type__` names what to call for an object."""
    pipeline = plan.pipeline
    groups = {step.section for step in plan.steps}
    dag: dict[str, Any] = {
        "description": pipeline.description,
        "doc_md": _dag_doc(plan),
        "schedule": _schedule(project, pipeline),
        "timezone": pipeline.timezone,
        "start_date": str(pipeline.start_date or pipeline.some_interval().start.date()),
        "catchup": pipeline.catchup,
        "max_active_runs": pipeline.max_active_runs,
        "tags": sorted({"etl", *pipeline.tags}),
        "default_args": _default_args(pipeline),
        "task_groups": {
            name: {"prefix_group_id": False, "tooltip": text}
            for name, text in GROUPS.items()
            if name in groups
        },
        "tasks": [*(_task(plan, step) for step in plan.steps), *_report(plan)],
    }
    if pipeline.params:
        dag["params"] = {name: _param(param) for name, param in pipeline.params.items()}
    if pipeline.deadline:
        channels = _channels(pipeline, "late")
        dag["deadline"] = {"seconds": pipeline.deadline.seconds, "channels": channels}
        if url := plan.environment.report_url:
            dag["deadline"]["report"] = f"{url.rstrip('/')}/{wall_of(pipeline.name)}"
    return {pipeline.name: dag}


def files_of(project: Project, pipeline_file: PipelineFile) -> list[str]:
    """The files from which the compiled form is made, as paths in the project's folder."""
    model = pipeline_file.model
    queries = model.queries().values() if model else ()
    checks = (
        [check for block in model.relations().values() for check in block.checks] if model else []
    )
    named = [query.sql for query in queries] + [getattr(check, "sql", None) for check in checks]
    templates = {f"{TEMPLATES}/{name}" for name in named if name}
    others = [name.partition(".")[0] for name in model.after] if model else []
    waited_for = {project.pipeline(name).file.path for name in others}
    own = {pipeline_file.file.path, *pipeline_file.defaults, *pipeline_file.templates}
    own.update(pipeline_file.macros)
    return sorted({*own, ENVIRONMENTS, *templates, *waited_for})


def asset_uri(kpi: Kpi) -> str:
    """The URI of a target's table in Airflow; for a scheme with `x-` it loads no provider."""
    return f"x-etl://{kpi.target.connection}/{kpi.target.table}"


def _schedule(project: Project, pipeline: Pipeline) -> dict[str, Any] | str:
    settings: dict[str, Any] = {}
    if cron := pipeline.cut().expression():
        settings["cron"] = cron
    if pipeline.after:
        settings["after"] = [_asset(*awaited(project, name)) for name in pipeline.after]
    if not settings:
        return NONE  # without a schedule, Airflow 2 would run the DAG every day
    return {"__type__": f"{OBJECTS}.schedule", "timezone": pipeline.timezone, **settings}


def awaited(project: Project, name: str) -> tuple[str, Kpi]:
    """The name, `pipeline.kpi`, of a KPI that a pipeline waits for, and the KPI.

    :raises ConfigError: there is no such KPI.
    """
    pipeline, _, kpi = name.partition(".")
    model = project.pipeline(pipeline).model
    known = model.kpis if model else {}
    if kpi not in known:
        raise ConfigError(f"'{pipeline}' has no KPI '{kpi}'", hint=did_you_mean(kpi, known))
    return name, known[kpi]


def _asset(name: str, kpi: Kpi) -> dict[str, Any]:
    return {"__type__": f"{OBJECTS}.asset", "uri": asset_uri(kpi), "name": name}


def _param(param: Param) -> dict[str, Any]:
    """A field of the trigger's form; it has to be filled in where there is no value."""
    settings: dict[str, Any] = {"type": "string" if param.type == "date" else param.type}
    if param.type == "date":
        settings["format"] = "date"
    if param.choices:
        settings["enum"] = [param.read(choice) for choice in param.choices]
    if param.default is not None:
        settings["default"] = param.default
    return {"__type__": f"{OBJECTS}.param", "description": param.description, **settings}


def _default_args(pipeline: Pipeline) -> dict[str, Any]:
    arguments: dict[str, Any] = {
        "owner": pipeline.owner or "airflow",
        "retries": pipeline.retries,
        "retry_delay": {"__type__": "datetime.timedelta", "seconds": pipeline.retry_delay.seconds},
        "retry_exponential_backoff": True,
    }
    if callback := _callback(pipeline, "failure"):
        arguments["on_failure_callback"] = callback
    if pipeline.pool:
        arguments["pool"] = pipeline.pool
    return arguments


def _task(plan: Plan, step: Step) -> dict[str, Any]:
    task: dict[str, Any] = {
        "task_id": step.name,
        "operator": f"{OPERATORS}.{CLASSES[step.kind]}",
        "pipeline": plan.pipeline.name,
        "environment": plan.environment_name,
        "dependencies": list(step.needs),
        "doc_md": _task_doc(step),
    }
    if plan.environment.report_url:
        task["report_url"] = plan.environment.report_url
    if step.section:
        task["group"] = step.section
    if step.sql:
        task["sql"] = step.sql
    if isinstance(step.block, FilesSource) and step.kind == "extract" and step.block.wait:
        task["wait_seconds"] = step.block.wait.seconds
        task["deferrable"] = step.block.deferrable
    if step.kind == "check" and (channels := _channels(plan.pipeline, "warning")):
        task["notify"] = channels
    if step.kind == "publish":
        if plan.pipeline.publish == "each":
            task["trigger_rule"] = "all_done"
        if callback := _callback(plan.pipeline, "success"):
            task["on_success_callback"] = callback
        task["outlets"] = [
            _asset(f"{plan.pipeline.name}.{name}", kpi) for name, kpi in plan.pipeline.kpis.items()
        ]
    return task


def _report(plan: Plan) -> Iterator[dict[str, Any]]:
    """The task after all others that publishes the report, where the environment has a place."""
    if plan.environment.report:
        needed = {need for step in plan.steps for need in step.needs}
        yield {
            "task_id": "report",
            "operator": "etl_framework.airflow.report.ReportOperator",
            "environment": plan.environment_name,
            "dependencies": [step.name for step in plan.steps if step.name not in needed],
            "doc_md": "Publish the report, also after a failure. The run does not fail with it.",
        }


def _channels(pipeline: Pipeline, event: str) -> list[dict[str, Any]]:
    return [channel.model_dump() for channel in pipeline.notify if event in channel.events]


def _callback(pipeline: Pipeline, event: str) -> dict[str, Any] | None:
    """The settings from which dag-factory makes a callback; None if nobody is to be told."""
    channels = _channels(pipeline, event)
    callback = "etl_framework.airflow.notify.notify"
    return {"callback": callback, "event": event, "channels": channels} if channels else None


def _dag_doc(plan: Plan) -> str:
    pipeline = plan.pipeline
    lines = [pipeline.description, ""] if pipeline.description else []
    made_from = f"Made from `{plan.steps[0].place[0]}`, environment `{plan.environment_name}`."
    lines += [made_from, ""]
    lines += [f"- `{name}`: {kpi.description}".rstrip(": ") for name, kpi in pipeline.kpis.items()]
    return "\n".join(lines)


def _task_doc(step: Step) -> str:
    if step.kind == "publish":
        return "Load the results into their tables, all in one transaction."
    if step.kind == "earlier":
        return f"Read what runs of other data intervals loaded for `{step.relation}`."
    lines = [step.block.description] if step.block and step.block.description else []
    if step.kind == "check":
        lines += ["", *(f"- {check.label} ({check.severity})" for check in step.checks)]
    lines += ["", f"Declared at `{step.place[0]}:{step.place[1]}`."]
    return "\n".join(lines).strip()
