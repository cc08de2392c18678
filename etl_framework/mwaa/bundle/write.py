"""Make a bundle, the folder that goes into MWAA's bucket, and verify it."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl_framework import __version__
from etl_framework.errors import BundleError, ConfigError, Diagnostic
from etl_framework.lint.base import files_of
from etl_framework.lint.linter import Linter
from etl_framework.lint.rules.dags import DAGS, dag_files, loads
from etl_framework.mwaa.bundle.archive import write_zip
from etl_framework.mwaa.bundle.constraints import constraints_of
from etl_framework.mwaa.bundle.dags_folder import write_dags
from etl_framework.mwaa.bundle.image import PLUGINS
from etl_framework.mwaa.bundle.manifest import FILE, Manifest, read_manifest
from etl_framework.mwaa.bundle.needs import Needs, needs_of, not_on_mwaa
from etl_framework.mwaa.bundle.own_wheel import write_own_wheel
from etl_framework.mwaa.bundle.resolve import Wanted, fetch, outside, resolved
from etl_framework.mwaa.bundle.verify import AUTHORITIES, Verified, digests, verified
from etl_framework.mwaa.bundle.wheels import name_and_version, unfitting
from etl_framework.platforms.mwaa import MwaaVersion
from etl_framework.project.git import changed_since, short_name
from etl_framework.project.models import Pipeline
from etl_framework.project.project import Project

CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Order:
    """Which bundle to make, and from what.

    :param environment: a name in `environments.yml`; the file's default if not given.
    :param constraints: a file with Airflow's constraints; if None, the project's file is used,
        else a download.
    :param requirements: a file with further packages that the pipelines use.
    :param wheels: a folder with wheels that are in no package index.
    :param authorities: files with the certificates of authorities that connections trust.
    :param imports: import the DAGs in an environment like MWAA's.
    :param only: the DAGs of these pipelines alone; None for those of all.
    """

    version: MwaaVersion
    environment: str | None = None
    constraints: Path | None = None
    requirements: Path | None = None
    wheels: Path | None = None
    authorities: tuple[Path, ...] = ()
    imports: bool = True
    only: frozenset[str] | None = None

    def pipelines(self, project: Project) -> list[Pipeline]:
        """The pipelines that it is for."""
        return [m for m in project.models if self.only is None or m.name in self.only]

    def lines(self) -> list[str]:
        """The lines of the requirements file; none if there is no such file."""
        return (
            self.requirements.read_text(encoding="utf-8").splitlines() if self.requirements else []
        )


def write_bundle(project: Project, order: Order, output: Path) -> tuple[Manifest, Verified]:
    """Make a bundle, verify it, and only then put it in its place.

    :raises BundleError: it would not work on MWAA; holds every problem.
    :raises ConfigError: the project's files or the order are wrong.
    """
    refuse_foreign(output)
    environment = project.environment_name(order.environment)
    pipelines = order.pipelines(project)
    constraints = constraints_of(order.version, project.root, order.constraints)
    with tempfile.TemporaryDirectory(prefix="etl-bundle-") as name:
        work = Path(name)
        wheels, draft = work / "wheels", work / "bundle"
        wheels.mkdir()
        needs = needs_of(pipelines, project.environment(environment))
        lines = order.lines()
        wanted = Wanted(order.version, (*needs.requirements, *lines), constraints, wheels)
        _refuse(_before(project, order, pipelines, environment, wanted, lines))
        draft.mkdir()
        write_dags(project, pipelines, environment, order.version, draft / DAGS)
        packages = _write_packages(order, wanted, work, draft)
        _write_settings(order, environment, draft)
        verification = verified(draft, order.version, _dag_ids(project, pipelines), order.imports)
        _refuse(verification.problems)
        manifest = _manifest(project, order, environment, needs, packages, verification, draft)
        manifest.write(draft)
        put_in_place(draft, output)
    return manifest, verification


def refuse_foreign(output: Path) -> None:
    """Refuse an output folder that holds anything other than an earlier bundle.

    :raises BundleError: it holds files that no bundle put there.
    """
    if not output.exists() or (output.is_dir() and not any(output.iterdir())):
        return
    try:
        known = {*read_manifest(output).files, FILE}
    except (ConfigError, OSError):
        known = set()
    files = [output] if output.is_file() else sorted(output.rglob("*"))
    foreign = [file for file in files if not file.is_dir()]
    foreign = [file for file in foreign if file.relative_to(output).as_posix() not in known]
    if foreign:
        message = f"{foreign[0]} is not of a bundle, and {output} would be written over"
        hint = "name a folder that is empty or not there, or that an earlier bundle made"
        raise BundleError([Diagnostic("", 0, 0, "B501", message, hint)])


def put_in_place(draft: Path, output: Path) -> None:
    """Copy a finished folder to its place, replacing an earlier one."""
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    shutil.copytree(draft, beside, dirs_exist_ok=True)
    if output.exists():
        shutil.rmtree(output)
    beside.rename(output)
    output.chmod(0o755)


def commit_of(root: Path) -> str:
    """The project's commit, with `+` if there are uncommitted changes; empty outside git."""
    try:
        return short_name(root, "HEAD") + ("+" if changed_since(root, "HEAD") else "")
    except ConfigError:
        return ""


def _before(
    project: Project,
    order: Order,
    pipelines: Sequence[Pipeline],
    environment: str,
    wanted: Wanted,
    lines: list[str],
) -> Iterator[Diagnostic]:
    """What is wrong already, before anything is fetched."""
    yield from errors_of(project, order)
    yield from not_on_mwaa(project, pipelines, environment)
    if not (project.root / DAGS).is_dir():
        message = "the project has no DAG files, so Airflow would show nothing"
        yield Diagnostic(DAGS, 0, 0, "B103", message, "etl new dag NAME writes one")
    yield from outside(wanted, str(order.requirements), lines)
    if order.wheels:
        yield from unfitting(order.wheels.glob("*.whl"), order.version)
    for file in order.authorities:
        if CERTIFICATE not in file.read_text(encoding="utf-8", errors="replace"):
            yield Diagnostic(str(file), 0, 0, "B104", "holds no certificates in PEM")


def _refuse(problems: Iterator[Diagnostic] | Sequence[Diagnostic]) -> None:
    if diagnostics := sorted(set(problems)):
        raise BundleError(diagnostics)


def errors_of(project: Project, order: Order) -> list[Diagnostic]:
    """The errors of a project, without those in files of pipelines that the order leaves out."""
    ours, others = set[str](), set[str]()
    for pipeline_file in project.pipelines:
        wanted = order.only is None or pipeline_file.stem in order.only
        (ours if wanted else others).update(files_of(pipeline_file))
    return [e for e in Linter(project.root).errors() if e.path not in others - ours]


def _dag_ids(project: Project, pipelines: Sequence[Pipeline]) -> list[str]:
    trees = (tree for _, _, tree in dag_files(project.root, "load_dag"))
    paths = {pipeline_file.stem: pipeline_file.file.path for pipeline_file in project.pipelines}
    loaded = {name for tree in trees for name, _, _ in loads(tree, paths)}
    others = {m.name for m in project.models} - {pipeline.name for pipeline in pipelines}
    return sorted(loaded - others)


def _write_packages(order: Order, wanted: Wanted, work: Path, draft: Path) -> dict[str, str]:
    """Write plugins.zip and requirements.txt; return the version of every package."""
    for file in order.wheels.glob("*.whl") if order.wheels else ():
        shutil.copy(file, wanted.wheels)
    write_own_wheel(wanted.wheels)
    uv_folder, chosen = work / "uv", work / "chosen"
    uv_folder.mkdir()
    chosen.mkdir()
    packages = resolved(wanted, uv_folder)
    fetch(packages, wanted, chosen)
    files: dict[str, bytes | Path] = {file.name: file for file in chosen.iterdir()}
    if order.authorities:
        files[AUTHORITIES] = b"".join(file.read_bytes() + b"\n" for file in order.authorities)
    write_zip(draft / "plugins.zip", files)
    versions = dict(sorted(name_and_version(file) for file in chosen.iterdir()))
    text = f"--find-links {PLUGINS}\n--no-index\n"
    text += "".join(f"{name}=={packages[name]}\n" for name in sorted(packages))
    (draft / "requirements.txt").write_text(text, encoding="utf-8")
    return versions


def _write_settings(order: Order, environment: str, draft: Path) -> None:
    """Write airflow-config.json, and startup.sh if the bundle has authorities."""
    settings = {"dag_factory.enable_telemetry": "False", "etl.environment": environment}
    text = json.dumps(settings, indent=2, sort_keys=True) + "\n"
    (draft / "airflow-config.json").write_text(text, encoding="utf-8")
    if order.authorities:
        text = (
            "#!/bin/sh\n"
            "# PostgreSQL's library trusts these authorities where a connection names none.\n"
            f"export PGSSLROOTCERT={PLUGINS}/{AUTHORITIES}\n"
        )
        (draft / "startup.sh").write_text(text, encoding="utf-8")


def _manifest(
    project: Project,
    order: Order,
    environment: str,
    needs: Needs,
    packages: dict[str, str],
    verification: Verified,
    draft: Path,
) -> Manifest:
    made = sorted({name for row in verification.rows for name in row["dags"]}) or _dag_ids(
        project, order.pipelines(project)
    )
    return Manifest(
        target=order.version.target,
        airflow=order.version.airflow,
        python=order.version.python,
        framework=__version__,
        commit=commit_of(project.root),
        environment=environment,
        files=digests(draft),
        dag_ids=tuple(made),
        connections=needs.connections,
        variables=needs.variables,
        secrets=needs.secrets,
        packages=packages,
    )
