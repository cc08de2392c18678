"""Compare the columns of a query with those that its block declares."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from etl_framework.columns import Column, ColumnType
from etl_framework.errors import Diagnostic
from etl_framework.project.yaml_file import Keys, YamlFile

NUMBERS = ("integer", "decimal", "float")


def unlike_names(
    file: YamlFile, keys: Keys, given: Sequence[str], contract: Sequence[Column]
) -> Iterator[Diagnostic]:
    """Report names that are missing, too many or in another order.

    :param keys: where the file declares the columns.
    :param given: the names of the query's columns; an empty one stands for any name.
    """
    wanted = [column.name.lower() for column in contract]
    either = [*wanted, *["?"] * len(given)]
    given = [(name or other).lower() for name, other in zip(given, either, strict=False)]
    if given == wanted:
        return
    message = f"the SQL gives the columns {', '.join(given)}, and not {', '.join(wanted)}"
    hint = "name and order the SELECT list as 'columns' does"
    unlike = (n for n, (a, b) in enumerate(zip(given, wanted, strict=False)) if a != b)
    at = next(unlike, min(len(given), len(wanted)))
    where = (*keys, at, "name") if at < len(wanted) else keys
    yield file.diagnostic(where, "E420", message, hint, of_key=at == len(wanted))


def unlike_types(
    file: YamlFile, keys: Keys, given: Sequence[str], contract: Sequence[Column]
) -> Iterator[Diagnostic]:
    """Report types that cannot become the declared ones.

    :param given: the DuckDB types of the query's columns, which have the right names.
    """
    for index, (column, type_) in enumerate(zip(contract, given, strict=True)):
        if not fits(type_, column.type):
            message = f"the SQL gives '{column.name}' as {type_}, and not as {column.type}"
            hint = f"write CAST(... AS {column.type}) in the SELECT list"
            yield file.diagnostic((*keys, index, "type"), "E421", message, hint)


def fits(given: str, wanted: ColumnType) -> bool:
    """Whether values of a DuckDB type keep their meaning in the wanted type."""
    if given in ('"NULL"', "NULL"):
        return True
    if given.startswith(("DECIMAL", "HUGEINT", "UHUGEINT")):
        return wanted.family in NUMBERS
    try:
        family = ColumnType.parse(given.replace("TIMESTAMP WITH TIME ZONE", "timestamptz")).family
    except ValueError:
        return False
    return family == wanted.family or (family in NUMBERS and wanted.family in NUMBERS)
