"""Ask git for a project's files at a revision, and for those that have changed since."""

from __future__ import annotations

import io
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from etl_framework.errors import ConfigError


def changed_since(root: Path, revision: str) -> set[str]:
    """The files in a folder that differ from a revision, new ones included.

    :raises ConfigError: git does not know the revision, or the folder is not in a repository.
    """
    differing = _git(
        root, "diff", "--name-only", "--no-renames", "-z", "--relative", _safe(revision), "--", "."
    )
    new = _git(root, "ls-files", "--others", "--exclude-standard", "-z", "--", ".")
    return {path for path in b"\0".join((differing, new)).decode().split("\0") if path}


def files_at(root: Path, revision: str) -> set[str]:
    """The files in a folder as it was at a revision.

    :raises ConfigError: git does not know the revision, or the folder is not in a repository.
    """
    listed = _git(root, "ls-tree", "-r", "-z", "--name-only", _safe(revision), "--", ".")
    return {path for path in listed.decode().split("\0") if path}


@contextmanager
def at_revision(root: Path, revision: str) -> Iterator[Path]:
    """Copy the folder as it was at a revision to a temporary folder, which is deleted at the end.

    :raises ConfigError: git does not know the revision, or the folder did not exist then.
    """
    packed = _git(root, "archive", "--format=tar", _safe(revision), "--", ".")
    with tempfile.TemporaryDirectory(prefix="etl-base-") as made:
        folder = Path(made).resolve()
        with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
            # Only files are written, one by one: Python 3.11.2 cannot `filter` an archive.
            for member in archive:
                file = (folder / member.name).resolve()
                if member.isfile() and file.is_relative_to(folder):
                    content = archive.extractfile(member)
                    file.parent.mkdir(parents=True, exist_ok=True)
                    file.write_bytes(content.read() if content else b"")
        yield folder


def short_name(root: Path, revision: str) -> str:
    """The short name of a revision's commit.

    :raises ConfigError: git does not know the revision.
    """
    return _git(root, "rev-parse", "--short", f"{_safe(revision)}^{{commit}}").decode().strip()


def describe(root: Path) -> str:
    """The short name of the commit that a folder is at, with `+` if its files differ from it.

    :raises ConfigError: the folder is not in a repository, or there is no git.
    """
    changed = _git(root, "status", "--porcelain", "--untracked-files=no", "--", ".")
    return short_name(root, "HEAD") + ("+" if changed else "")


def branch_of(root: Path) -> str:
    """The branch that is checked out; empty without one, without a repository, and without git."""
    try:
        return _git(root, "symbolic-ref", "--short", "-q", "HEAD").decode().strip()
    except ConfigError:
        return ""


def _safe(revision: str) -> str:
    if revision.startswith("-"):
        raise ConfigError(f"'{revision}' is not a revision")
    return revision


def _git(root: Path, *arguments: str) -> bytes:
    try:
        done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, check=False)
    except OSError as error:
        raise ConfigError("git is not installed, or not on the PATH") from error
    if done.returncode:
        said = (done.stderr.decode(errors="replace").strip().splitlines() or ["it failed"])[0]
        here = "not a git repository" in said
        hint = "git init, and commit what there is" if here else "give a revision that git knows"
        raise ConfigError(f"git {arguments[0]}: {said}", hint=hint)
    return done.stdout
