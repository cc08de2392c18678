"""Options by environment variables: ETL_RUN_KEEP_GOING is `etl run --keep-going`."""

from __future__ import annotations

import click

PREFIX = "ETL"


def with_variables(command: click.Command, *names: str) -> click.Command:
    """Let each option of a command be given by a variable that is named after it.

    Click's own `auto_envvar_prefix` takes the names of the functions' parameters, which nobody
    sees. What stands on the command line wins, and the option's own variable over a general one.

    :param names: what the command is called: `("quarantine", "show")`.
    """
    for option in command.params:
        if isinstance(option, click.Option):
            written = max(option.opts, key=len).lstrip("-")
            own = "_".join((PREFIX, *names, written)).replace("-", "_").upper()
            known = [option.envvar] if isinstance(option.envvar, str) else option.envvar or []
            option.envvar = [own, *(name for name in known if name != own)]
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            with_variables(inner, *names, name)
    return command
