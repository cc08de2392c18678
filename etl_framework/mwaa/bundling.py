"""Make a bundle: the folder that MWAA's bucket gets, verified before it is called done."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from etl_framework import __version__
from etl_framework.config.models import Pipeline
from etl_framework.config.project import Project
from etl_framework.errors import BundleError, ConfigError, Diagnostic
from etl_framework.lint.dags import DAGS, dag_files, loads
from etl_framework.lint.linter import Linter
from etl_framework.mwaa.constraints import constraints_of
from etl_framework.mwaa.dags_folder import write_dags
from etl_framework.mwaa.image import PLUGINS
from etl_framework.mwaa.manifest import FILE, Manifest, read_manifest
from etl_framework.mwaa.needs import Needs, needs_of, not_on_mwaa
from etl_framework.mwaa.own_wheel import write_own_wheel
from etl_framework.mwaa.resolving import Wanted, fetch, outside, resolved
from etl_framework.mwaa.verifying import AUTHORITIES, Verified, digests, verified
from etl_framework.mwaa.versions import MwaaVersion
from etl_framework.mwaa.wheels import name_and_version, unfitting
from etl_framework.mwaa.zipping import write_zip
from etl_framework.revision import changed_since, short_name

CERTIFICATE = "-----BEGIN CERTIFICATE-----"


@dataclass(frozen=True)
class Order:
    """What to make.

    :param environment: a name in `environments.yml`; the file's default if not given.
    :param constraints: a file with Airflow's; else the project's, or from the network.
    :param requirements: a file with further packages that the pipelines use.
    :param wheels: a folder with wheels that no index has.
    :param authorities: files of certificates that connections trust.
    :param imports: try the DAGs in an environment as MWAA has it.
    """

    version: MwaaVersion
    environment: str | None = None
    constraints: Path | None = None
    requirements: Path | None = None
    wheels: Path | None = None
    authorities: tuple[Path, ...] = ()
    imports: bool = True

    def lines(self) -> list[str]:
        """Those of the requirements."""
        return (
            self.requirements.read_text(encoding="utf-8").splitlines() if self.requirements else []
        )


def write_bundle(project: Project, order: Order, output: Path) -> tuple[Manifest, Verified]:
    """Make a bundle, verify it, and only then put it in its place.

    :raises BundleError: it would not work on MWAA; holds everything that is wrong.
    :raises ConfigError: the project's files or the order are wrong.
    """
    refuse_foreign(output)
    environment = project.environment_name(order.environment)
    pipelines = [found.model for found in project.pipelines if found.model]
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
        found = verified(draft, order.version, _dag_ids(project), order.imports)
        _refuse(found.problems)
        manifest = _manifest(project, order, environment, needs, packages, found, draft)
        manifest.write(draft)
        put_in_place(draft, output)
    return manifest, found


def refuse_foreign(output: Path) -> None:
    """An output folder holds nothing, or an earlier bundle and nothing besides.

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
    """Let a finished folder take the place of an earlier one."""
    output.parent.mkdir(parents=True, exist_ok=True)
    beside = Path(tempfile.mkdtemp(prefix=f".{output.name}.", dir=output.parent))
    shutil.copytree(draft, beside, dirs_exist_ok=True)
    if output.exists():
        shutil.rmtree(output)
    beside.rename(output)
    output.chmod(0o755)


def commit_of(root: Path) -> str:
    """The commit that a project is at, `+` behind it for changes; empty outside of git."""
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
    yield from Linter(project.root).errors()
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
    if found := sorted(set(problems)):
        raise BundleError(found)


def _dag_ids(project: Project) -> list[str]:
    trees = (tree for _, _, tree in dag_files(project.root, "load_dag"))
    return sorted({name for tree in trees for name, _, _ in loads(tree)})


def _write_packages(order: Order, wanted: Wanted, work: Path, draft: Path) -> dict[str, str]:
    """Write plugins.zip and requirements.txt; the version of each package in it."""
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
    found = dict(sorted(name_and_version(file) for file in chosen.iterdir()))
    text = f"--find-links {PLUGINS}\n--no-index\n"
    text += "".join(f"{name}=={packages[name]}\n" for name in sorted(packages))
    (draft / "requirements.txt").write_text(text, encoding="utf-8")
    return found


def _write_settings(order: Order, environment: str, draft: Path) -> None:
    """Write airflow-config.json, and startup.sh where there is something to set."""
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
    found: Verified,
    draft: Path,
) -> Manifest:
    made = sorted({name for row in found.rows for name in row["dags"]}) or _dag_ids(project)
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
