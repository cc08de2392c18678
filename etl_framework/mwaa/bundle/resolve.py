"""The packages that a bundle carries: those that it needs and MWAA's image lacks."""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from etl_framework.errors import BundleError, ConfigError, Diagnostic
from etl_framework.mwaa.bundle.tools import pip, uv
from etl_framework.mwaa.bundle.wheels import name_and_version, platforms
from etl_framework.platforms.mwaa import MwaaVersion, normalized, pins

OUT = "requirements.txt"
_PIN = re.compile(r"^\s*([\w.-]+)(?:\[[^\]]*\])?\s*==\s*([^\s;#]+)")


@dataclass(frozen=True)
class Wanted:
    """The packages that are asked for, and what limits their versions.

    :param requirements: lines such as `dag-factory>=1.1`.
    :param constraints: the text of Airflow's constraints.
    :param wheels: a folder with wheels that are in no package index.
    :param oldest_first: if a version has several wheels, take the one for the oldest Linux.
    """

    version: MwaaVersion
    requirements: tuple[str, ...]
    constraints: str
    wheels: Path
    oldest_first: bool = False


def outside(wanted: Wanted, path: str, lines: list[str]) -> Iterator[Diagnostic]:
    """A finding for every pin of a requirements file that contradicts the constraints."""
    image = wanted.version.installed()
    known = {**pins(wanted.constraints), **wanted.version.essential(), **image}
    for number, line in enumerate(lines, start=1):
        if not (match := _PIN.match(line)):
            continue
        name, version = normalized(match[1]), match[2]
        if name in known and known[name] != version:
            who = "the image has" if name in image else "its constraints say"
            yield Diagnostic(
                path,
                number,
                match.start(1) + 1,
                "B202",
                f"{name}=={version} cannot be on MWAA {wanted.version.airflow}: {who} "
                f"{known[name]}",
                hint=f"write {name}=={known[name]}, or no version",
            )


def resolved(wanted: Wanted, work: Path) -> dict[str, str]:
    """The version of every package that the bundle carries; the image's packages do not change.

    The image's packages count as having no dependencies, since the image has those, too.

    :param work: an empty folder for uv's files.
    :raises BundleError: no versions fit.
    """
    image = wanted.version.installed()
    own = dict(map(name_and_version, wanted.wheels.glob("*.whl")))
    (work / "uv.toml").write_text(_leaves(image), encoding="utf-8")
    texts = {
        "constraints.txt": wanted.constraints,
        "essential.txt": _lines(wanted.version.essential()),
        "installed.txt": _lines(image),
        # By file, so that no index can supply another package of the same name.
        "own.txt": "".join(
            f"{name_and_version(file)[0]} @ {file.as_uri()}\n" for file in wanted.wheels.iterdir()
        ),
        "requirements.in": "\n".join(wanted.requirements) + "\n",
        # uv keeps the versions in an existing output where it can: equal results on every day.
        OUT: _lines(wanted.version.tested()),
    }
    for name, text in texts.items():
        (work / name).write_text(text, encoding="utf-8")
    major, minor = wanted.version.glibc
    done = uv(
        [
            "pip",
            "compile",
            "requirements.in",
            f"--output-file={OUT}",
            "--quiet",
            "--no-header",
            "--no-annotate",
            "--only-binary",
            ":all:",
            "--python",
            sys.executable,
            "--python-version",
            wanted.version.python,
            "--python-platform",
            f"{wanted.version.platform}-manylinux_{major}_{minor}",
            *(f"--constraints={name}" for name in texts if name.endswith(".txt") and name != OUT),
        ],
        work,
    )
    if done.returncode:
        raise BundleError([_no_versions(wanted.version, done.stderr)])
    text = (work / OUT).read_text(encoding="utf-8")
    versions = pins(text) | {
        name: own[name] for name in re.findall(r"(?m)^([\w.-]+) @ file:", text)
    }
    return {name: version for name, version in sorted(versions.items()) if name not in image}


def fetch(packages: Mapping[str, str], wanted: Wanted, folder: Path) -> None:
    """Put the wheel of every package into a folder.

    :raises ConfigError: an index does not answer, or has no wheel that fits.
    """
    missing = dict(packages)
    for file in wanted.wheels.glob("*.whl"):
        name, version = name_and_version(file)
        if missing.get(name) == version:
            shutil.copy(file, folder)
            del missing[name]
    if not missing:
        return
    known = platforms(wanted.version)[:: -1 if wanted.oldest_first else 1]
    options = [f"--platform={platform}" for platform in known]
    done = pip(
        [
            "download",
            "--quiet",
            "--no-deps",
            "--only-binary=:all:",
            "--dest",
            str(folder),
            "--python-version",
            wanted.version.python,
            "--implementation=cp",
            *options,
            *(f"{name}=={version}" for name, version in missing.items()),
        ],
        folder,
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.startswith("ERROR")]
        raise ConfigError(
            f"the wheels cannot be fetched: {' '.join(said) or done.stderr.strip()}",
            hint="look at the network and the index of pip, or give the wheels with --wheels",
        )


def _no_versions(version: MwaaVersion, said: str) -> Diagnostic:
    cause = re.sub(r"\s+", " ", said.partition("cause:")[2].partition("hint:")[0]).strip()
    return Diagnostic(
        "",
        0,
        0,
        "B203",
        f"no versions fit MWAA {version.airflow}, its constraints and its image: "
        f"{cause or said.strip()}",
        hint="ask for versions that the constraints allow",
    )


def _leaves(image: Mapping[str, str]) -> str:
    """uv's settings by which the packages of the image have no dependencies."""
    return "\n".join(
        f'[[dependency-metadata]]\nname = "{name}"\nversion = "{version}"\nrequires-dist = []\n'
        for name, version in image.items()
    )


def _lines(packages: Mapping[str, str]) -> str:
    return "".join(f"{name}=={version}\n" for name, version in packages.items())
