"""The command `etl`: one thin file per verb."""

from __future__ import annotations

import errno
import gc
import os
import sys

import click

from etl_framework import __version__
from etl_framework.cli.bundle import bundle
from etl_framework.cli.clean import clean
from etl_framework.cli.compile import compile_
from etl_framework.cli.ddl import ddl
from etl_framework.cli.deploy import deploy
from etl_framework.cli.dev import dev
from etl_framework.cli.diff import diff
from etl_framework.cli.doctor import doctor
from etl_framework.cli.explain import explain
from etl_framework.cli.iam import iam
from etl_framework.cli.import_ import import_
from etl_framework.cli.init import init
from etl_framework.cli.lineage import lineage
from etl_framework.cli.lint import lint
from etl_framework.cli.lsp import lsp
from etl_framework.cli.new import new
from etl_framework.cli.plan import plan
from etl_framework.cli.preview import preview
from etl_framework.cli.quarantine import quarantine
from etl_framework.cli.rule import rule
from etl_framework.cli.run import run
from etl_framework.cli.schema import schema
from etl_framework.cli.show import show
from etl_framework.cli.suggest_checks import suggest_checks
from etl_framework.cli.test import test
from etl_framework.cli.watch import watch


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
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


COMMANDS = (
    bundle, clean, compile_, ddl, deploy, dev, diff, doctor, explain, iam, import_, init, lineage,
    lint, lsp, new, plan, preview, quarantine, rule, run, schema, show, suggest_checks, test, watch,
)  # fmt: skip
for command in COMMANDS:
    cli.add_command(command)
# Errors of the machine, such as a full disk, which no command can prevent.
REFUSED = {
    errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EACCES, errno.EPERM, errno.ENOTDIR,
    errno.EEXIST, errno.EISDIR, errno.EMFILE,
}  # fmt: skip


def main() -> None:
    """Run the command line, and show our own errors without a stack trace.

    Exit codes: 0 clean, 1 something was found or failed, 2 the command could not run.
    """
    from etl_framework.errors import ConfigError, EtlError, PlanError

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
    except EtlError as error:
        click.echo(str(error), err=True)
        sys.exit(2 if isinstance(error, ConfigError | PlanError) else 1)
    except click.ClickException as error:
        error.show()
        sys.exit(2)
    except (click.Abort, KeyboardInterrupt):
        click.echo("stopped; nothing was published. The same command goes on from here.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(1)
    except OSError as error:
        if error.errno not in REFUSED:
            raise
        click.echo(f"{error.filename or 'what is printed'}: {error.strerror}", err=True)
        if not error.filename:
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # do not write again at exit
        sys.exit(2)
