"""The option `--limit`, and the rows that a command prints."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from etl_framework.cli.table import Rows

F = TypeVar("F", bound=Callable[..., Any])


def limit_option(rows: int) -> Callable[[F], F]:
    """Return the option `--limit`.

    :param rows: how many a table has if it is not given; `most` is to be asked with the same.
    """
    return click.option(
        "--limit",
        type=click.IntRange(min=0),
        help=f"Most rows to print; 0 for all. A table has {rows} if not given, csv and json all.",
    )


def most(limit: int | None, format_: str, rows: int) -> int:
    """How many rows are wanted at the most; 0 for all.

    :param limit: the value of `--limit`.
    :param rows: how many a table has if that is not given.
    """
    if limit is not None:
        return limit
    return rows if format_ == "table" else 0


def one_more(wanted: int) -> int:
    """How many rows to ask for, so that one more tells whether there are others; 0 for all."""
    return wanted + 1 if wanted else 0


def print_rows(columns: Sequence[str], rows: Rows, format_: str, wanted: int) -> None:
    """Print rows, and say so if there are more than are wanted."""
    from etl_framework.cli.table import FORMATS

    click.echo(FORMATS[format_](columns, rows[:wanted] if wanted else rows))
    if wanted and len(rows) > wanted:
        first = "row" if wanted == 1 else f"{wanted:,} rows"
        click.echo(f"the first {first}; --limit 0 prints all", err=True)
