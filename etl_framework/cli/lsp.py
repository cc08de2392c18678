"""`etl lsp`"""

from __future__ import annotations

import signal

import click


@click.command()
def lsp() -> None:
    """Serve an editor over standard input and output: what lint finds while one types, and why.

    Mistakes are those of `etl lint`, also in files that are not saved; over a mistake an editor
    shows its page. The project is the folder that the editor has open. Needs the extra `lsp`.

    \b
    etl lsp
    """
    from etl_framework.errors import MissingExtraError

    try:
        from etl_framework.authoring.language_server import server
    except ModuleNotFoundError as error:
        raise MissingExtraError(str(error.name), "lsp") from error
    made = server()
    signal.signal(signal.SIGTERM, made.stop)
    made.start_io()
