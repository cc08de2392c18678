"""The command `etl`: one thin file per verb.

A file's command has the file's name; other packages add theirs through the entry-point group
`etl_framework.commands`.
"""

from __future__ import annotations

import gc
import os
import pkgutil
import sys
from importlib import import_module
from importlib.util import find_spec

import click

from etl_framework import __version__


def command_of(file: str) -> click.Command | None:
    """The command that a file of this folder holds; None for one with the tools of commands."""
    name = file.rstrip("_").replace("_", "-")
    values = vars(import_module(f"{__name__}.{file}")).values()
    commands = (value for value in values if isinstance(value, click.Command))
    return next((command for command in commands if command.name == name), None)


def own_commands() -> dict[str, click.Command]:
    """Every command of this folder, by its name."""
    files = sorted(file.name for file in pkgutil.iter_modules(__path__))
    return {str(command.name): command for file in files if (command := command_of(file))}


class Commands(click.Group):
    """The commands of this folder, and those that installed packages add.

    Only the command that is asked for is imported, and packages are looked through only for help
    and for names unknown here: both take longer than the start itself.
    """

    def list_commands(self, ctx: click.Context) -> list[str]:
        from etl_framework.plugins import COMMANDS, registered

        return sorted({*own_commands(), *(entry.name for entry in registered(COMMANDS))})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """One of ours, else a package's.

        :raises ConfigError: the package that registers it does not load.
        """
        from etl_framework.cli.variables import with_variables

        command = self._command(cmd_name)
        return command and with_variables(command, cmd_name)

    def _command(self, cmd_name: str) -> click.Command | None:
        file = cmd_name.replace("-", "_")
        for name in (file, f"{file}_") if file.isidentifier() else ():
            if find_spec(f"{__name__}.{name}") and (command := command_of(name)):
                return command
        from etl_framework.plugins import COMMANDS, loaded, registered

        entries = (entry for entry in registered(COMMANDS) if entry.name == cmd_name)
        return next(map(loaded, entries), None)


@click.group(
    cls=Commands,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, prog_name="etl")
def cli() -> None:
    """Pipelines from YAML and SQL: lint them, plan them, run them, look at what they made.

    \b
    etl lint                        what is wrong with the files
    etl test                        whether the SQL does what its examples say
    etl plan music_streaming        what a run would do
    etl run music_streaming         do it
    etl show kpis_genre             look at the result
    """


def main() -> None:
    """Run the command line, and show our own errors without a stack trace.

    Exit codes: 0 clean, 1 something was found or failed, 2 the command could not run.
    """
    from etl_framework.cli import fuse
    from etl_framework.cli.failure import EXPECTED, failure_of
    from etl_framework.errors.secrets import traceback_without_secrets

    fuse.arm()
    sys.excepthook = traceback_without_secrets
    # The objects made at the start live on; searching them for garbage took a sixth of the start.
    gc.set_threshold(100_000)
    if sys.stdout is None:  # the caller closed it
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115

    try:
        try:
            cli(prog_name="etl", standalone_mode=False)
        finally:
            if not sys.stdout.closed:
                sys.stdout.flush()
    except (click.Abort, KeyboardInterrupt):
        fuse.tell()
        sys.exit(fuse.STOPPED)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except EXPECTED as error:
        failure = failure_of(error)
        if isinstance(error, click.ClickException):
            error.show()
        for diagnostic in () if isinstance(error, click.ClickException) else failure.diagnostics:
            click.echo(str(diagnostic), err=True)
        if isinstance(error, OSError) and not error.filename:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # do not write again at exit
        sys.exit(failure.code)
