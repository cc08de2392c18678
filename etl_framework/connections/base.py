"""The base of connections: where a source's rows come from, or where a target's rows go."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from etl_framework.model import Model


class Connection(Model):
    """A place that pipelines name and an environment describes."""

    description: str = Field("", description="What is kept there.")

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        """Return namespace and name of a table or of files, as OpenLineage defines them.

        :param root: the project's folder.
        :raises ConfigError: a setting cannot be looked up.
        """
        return type(self).__name__.lower(), what

    def folders(self, root: Path) -> tuple[Path, ...]:
        """Return the folders of this machine in which the engine reads what is there.

        :param root: the project's folder.
        :raises ConfigError: a setting cannot be looked up.
        """
        return ()


def inside(root: Path, path: str) -> Path:
    """Return a path below the project's folder; an absolute path stays as it is.

    :raises ValueError: a relative path leads out of the folder.
    """
    resolved = (root / path).resolve()
    if not Path(path).is_absolute() and not resolved.is_relative_to(root.resolve()):
        raise ValueError(f"the path '{path}' leads out of {root}")
    return resolved
