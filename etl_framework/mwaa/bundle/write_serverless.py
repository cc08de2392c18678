"""Make a bundle for MWAA Serverless: a workflow for every pipeline, and the code of its tasks."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from etl_framework import __version__
from etl_framework.errors import BundleError, Diagnostic
from etl_framework.mwaa.bundle.archive import write_zip
from etl_framework.mwaa.bundle.constraints import constraints_of
from etl_framework.mwaa.bundle.dags_folder import write_project
from etl_framework.mwaa.bundle.image import image_of
from etl_framework.mwaa.bundle.manifest import Manifest
from etl_framework.mwaa.bundle.needs import Needs, needs_of, not_on_mwaa
from etl_framework.mwaa.bundle.own_wheel import write_own_wheel
from etl_framework.mwaa.bundle.resolve import Wanted, fetch, outside, resolved
from etl_framework.mwaa.bundle.serverless import (
    LIMIT,
    TARGET,
    newer_than_asked,
    unpacked,
    workflow_text,
)
from etl_framework.mwaa.bundle.verify import Verified, digests, of_rows
from etl_framework.mwaa.bundle.wheels import name_and_version, unfitting
from etl_framework.mwaa.bundle.write import (
    Order,
    commit_of,
    errors_of,
    put_in_place,
    refuse_foreign,
)
from etl_framework.plan.plan import build_plan
from etl_framework.platforms.mwaa import MwaaVersion
from etl_framework.platforms.serverless import not_serverless, publishes_no_report
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project

WORKFLOWS = "workflows"
CODE = "code.zip"


def write_serverless(project: Project, order: Order, output: Path) -> tuple[Manifest, Verified]:
    """Make a bundle, try it, and only then put it in its place.

    :raises BundleError: a pipeline cannot run there; holds every problem.
    """
    refuse_foreign(output)
    label = project.environment_name(order.environment)
    pipelines = order.pipelines(project)
    needs = needs_of(pipelines, project.environment(label))
    lines = order.lines()
    with tempfile.TemporaryDirectory(prefix="etl-bundle-") as name:
        work = Path(name)
        draft, wheels = work / "bundle", work / "wheels"
        (draft / WORKFLOWS).mkdir(parents=True)
        wheels.mkdir()
        constraints = constraints_of(order.version, project.root, order.constraints)
        # The service reads the YAML itself, so the code needs no dag-factory.
        asked = [line for line in needs.requirements if not line.startswith("dag-factory")]
        wanted = Wanted(order.version, (*asked, *lines), constraints, wheels, True)
        _refuse(_before(project, order, label, wanted, lines))
        _write_workflows(project, pipelines, label, draft)
        packages = _write_code(project, pipelines, order, wanted, work, draft)
        rows = _tried(order.version, draft, work) if order.imports else []
        _refuse(of_rows(rows, [pipeline.name for pipeline in pipelines]))
        manifest = _manifest(project, order, label, needs, packages, draft)
        manifest.write(draft)
        put_in_place(draft, output)
        notes = newer_than_asked((work / "chosen").iterdir())
    return manifest, Verified((), tuple(rows), notes)


def _before(
    project: Project, order: Order, label: str, wanted: Wanted, lines: list[str]
) -> Iterator[Diagnostic]:
    pipelines = order.pipelines(project)
    yield from errors_of(project, order)
    problems = not_on_mwaa(project, pipelines, label)
    # Variables of the environment are the workflow's own there.
    yield from (problem for problem in problems if problem.code != "B102")
    yield from outside(wanted, str(order.requirements), lines)
    if order.wheels:
        yield from unfitting(order.wheels.glob("*.whl"), order.version)
    for keys, why, hint in publishes_no_report(project.environment(label)):
        place, message = ("environments", label, *keys), f"cannot run on MWAA Serverless: {why}"
        yield project.environments_file.diagnostic(place, "B601", message, hint)
    for pipeline_file in project.pipelines:
        model = pipeline_file.model
        for keys, why, hint in not_serverless(model) if model in pipelines and model else ():
            message = f"cannot run on MWAA Serverless: {why}"
            yield pipeline_file.file.diagnostic(keys, "B601", message, hint)


def _refuse(problems: Iterator[Diagnostic]) -> None:
    if diagnostics := sorted(set(problems)):
        raise BundleError(diagnostics)


def _write_workflows(
    project: Project, pipelines: Sequence[Pipeline], label: str, draft: Path
) -> None:
    large = []
    for pipeline in pipelines:
        text = workflow_text(build_plan(project, pipeline.name, label, pipeline.some_interval()))
        (draft / WORKFLOWS / f"{pipeline.name}.yml").write_text(text, encoding="utf-8")
        if (size := len(text.encode())) > LIMIT:
            message = f"its workflow has {size:,} bytes; the service takes {LIMIT:,}"
            place = project.pipeline(pipeline.name).file.path
            large.append(Diagnostic(place, 0, 0, "B602", message, "make two pipelines of it"))
    _refuse(iter(large))


def _write_code(
    project: Project,
    pipelines: Sequence[Pipeline],
    order: Order,
    wanted: Wanted,
    work: Path,
    draft: Path,
) -> dict[str, str]:
    """Write the zip with packages and project side by side; return the packages' versions."""
    for file in order.wheels.glob("*.whl") if order.wheels else ():
        shutil.copy(file, wanted.wheels)
    write_own_wheel(wanted.wheels)
    for name in ("uv", "chosen"):
        (work / name).mkdir()
    fetch(resolved(wanted, work / "uv"), wanted, work / "chosen")
    chosen = sorted((work / "chosen").iterdir())
    _refuse(unfitting(chosen, wanted.version))
    write_project(project, pipelines, work / "project")
    files: dict[str, bytes | Path] = dict(unpacked(chosen))
    for file in (work / "project").rglob("*"):
        if file.is_file():
            files[file.relative_to(work / "project").as_posix()] = file
    write_zip(draft / CODE, files, compressed=True)
    return dict(sorted(name_and_version(file) for file in chosen))


def _tried(version: MwaaVersion, draft: Path, work: Path) -> list[dict[str, object]]:
    """Load each workflow by dag-factory, with only the image's packages and the zip."""
    loaders = work / "loaders"
    shutil.unpack_archive(draft / CODE, work / "code")
    loaders.mkdir()
    for file in (draft / WORKFLOWS).iterdir():
        shutil.copy(file, loaders)
        (loaders / f"{file.stem}.py").write_text(
            "from airflow import DAG\nfrom pathlib import Path\nfrom dagfactory import "
            "load_yaml_dags\n\nload_yaml_dags(globals(), config_filepath=str("
            f"Path(__file__).with_name({file.name!r})))\n",
            encoding="utf-8",
        )
    with image_of(version) as image:
        image.add("dag-factory", version.tested()["dag-factory"])
        return image.parse(loaders, {"dag_factory.enable_telemetry": "False"}, work / "code")


def _manifest(
    project: Project, order: Order, label: str, needs: Needs, packages: dict[str, str], draft: Path
) -> Manifest:
    return Manifest(
        target=TARGET,
        airflow=order.version.airflow,
        python=order.version.python,
        framework=__version__,
        commit=commit_of(project.root),
        environment=label,
        files=digests(draft),
        dag_ids=tuple(sorted(file.stem for file in (draft / WORKFLOWS).iterdir())),
        connections=needs.connections,
        variables=needs.variables,
        secrets=needs.secrets,
        packages=packages,
    )
