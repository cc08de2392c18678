"""What a connection is: where a source's rows come from, or where a target lies."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from etl_framework.model import Model


class Connection(Model):
    """A place that pipelines name and an environment describes."""

    description: str = Field("", description="What is kept there.")

    def dataset(self, root: Path, what: str) -> tuple[str, str]:
        """Namespace and name of a table or of files, as OpenLineage names them.

        :param root: the project's folder.
        :raises ConfigError: a setting cannot be looked up.
        """
        return type(self).__name__.lower(), what


def inside(root: Path, path: str) -> Path:
    """A path below the project's folder, or an absolute one as it is.

    :raises ValueError: a relative path leads out of the folder.
    """
    found = (root / path).resolve()
    if not Path(path).is_absolute() and not found.is_relative_to(root.resolve()):
        raise ValueError(f"the path '{path}' leads out of {root}")
    return found
