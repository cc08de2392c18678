"""Rules about joins."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from etl_framework.lint.rules.keys import conjuncts, is_constant, keys_of_source, one_row
from etl_framework.lint.sql_base import Finding, Query, SqlRule
from etl_framework.sql.as_of import VALID_FROM, VALID_TO, histories_of

if TYPE_CHECKING:
    from sqlglot import exp


class CrossJoin(SqlRule):
    """A join says what belongs together, unless one side is a single row.

    Else each row meets each other, and a mistyped condition multiplies sums by millions.
    """

    codes = ("W406",)

    def find(self, query: Query) -> Iterator[Finding]:
        for scope, join, name in _joins(query):
            if join.args.get("on") or join.args.get("using") or join.method == "NATURAL":
                continue
            if _compared(scope, name) or _one_row(scope.sources.get(name)):
                continue
            hint = "say ON what the rows belong together"
            yield Finding(join.this, f"'{name}' is joined with nothing to say which rows", hint)


class FanOut(SqlRule):
    """A join finds at most one row on one of its sides, by a key that is declared.

    Else rows are repeated, and what is summed or counted behind the join is too much.
    """

    codes = ("W407",)

    def find(self, query: Query) -> Iterator[Finding]:
        for scope, join, name in _joins(query):
            pairs = list(equal_columns(join.args.get("on"), name))
            if not pairs or name not in scope.sources or _keeps_strangers(scope, name):
                continue
            others = {table for _, table, _ in pairs}
            sides = [covered(query, scope, name, pairs)]
            for other in others:
                mine = [(theirs, name, own) for own, table, theirs in pairs if table == other]
                sides.append(covered(query, scope, other, mine))
            if any(side is not False for side in sides):
                continue
            here = {mine for mine, _, _ in pairs}
            by = ", ".join(sorted(here))
            message = f"neither side is known to have one row for each {by}: rows may multiply"
            hint = (
                "declare primary_key on the columns, or a check 'unique'; or group one side first"
            )
            yield Finding(join.this, message, hint)


class RepeatedSum(SqlRule):
    """A sum is over rows that a join has not repeated.

    FROM orders JOIN items: an order, and its amount, stands there once for each of its items.
    """

    codes = ("W414",)

    def find(self, query: Query) -> Iterator[Finding]:
        from sqlglot import exp

        for scope, join, name in _joins(query):
            first = scope.expression.args["from_"].this.alias_or_name
            pairs = [pair for pair in equal_columns(join.args.get("on"), name) if pair[1] == first]
            mine = [(theirs, name, own) for own, _, theirs in pairs]
            if not pairs or covered(query, scope, name, pairs) is not False:
                continue
            if _keeps_strangers(scope, name) or not covered(query, scope, first, mine):
                continue
            for total in scope.expression.find_all(exp.Sum):
                columns = list(total.find_all(exp.Column))
                of_first = {column.table for column in columns} == {first}
                if of_first and not total.find(exp.Distinct, exp.Case):
                    message = f"'{first}' has each row as often as '{name}' has rows for it"
                    hint = f"sum '{first}' first, or sum a column of '{name}'"
                    yield Finding(total, message, hint)


def _joins(query: Query) -> Iterator[tuple[Any, exp.Join, str]]:
    """Return every join with its scope and the name of its right side in that scope."""
    for scope in query.scopes:
        for join in scope.expression.args.get("joins") or []:
            yield scope, join, join.alias_or_name


def equal_columns(condition: exp.Expr | None, name: str) -> Iterator[tuple[str, str, str]]:
    """Return what a condition compares: a column of `name`, the other table and its column."""
    from sqlglot import exp

    for comparison in conjuncts(condition):
        if not isinstance(comparison, exp.EQ):
            continue
        left, right = comparison.left.unnest(), comparison.right.unnest()
        if not (isinstance(left, exp.Column) and isinstance(right, exp.Column)):
            continue
        for mine, other in ((left, right), (right, left)):
            if mine.table == name and other.table != name:
                yield mine.name.lower(), other.table, other.name.lower()


def covered(
    query: Query, scope: Any, name: str, pairs: Iterable[tuple[str, str, str]]
) -> bool | None:
    """Return whether a table of FROM has at most one row for every value of the compared columns.

    None if the table is not in this FROM.

    :param pairs: the table's column, the other table and its column.
    """
    if name not in scope.sources:
        return None
    columns = {column for column, _, _ in pairs} | _fixed(scope, name)
    return any(keys <= columns for keys in keys_of_source(query.checked, scope.sources[name]))


def _fixed(scope: Any, name: str) -> set[str]:
    """Return the columns of a table that WHERE or ON gives one value, as in `r.number = 1`.

    The version that was valid at a moment is one of those that a key has in a history.
    """
    from sqlglot import exp

    tests = conditions(scope.expression)
    versions = {VALID_FROM, VALID_TO} if name in histories_of(tests) else set()
    return versions | {
        test.this.name.lower()
        for test in tests
        if isinstance(test, exp.EQ)
        and isinstance(test.this, exp.Column)
        and test.this.table == name
        and is_constant(test.expression)
    }


def conditions(select: exp.Expr) -> list[exp.Expr]:
    """Return what must be true of the rows of a SELECT, by its WHERE and its joins."""
    tests = conjuncts(select.args.get("where"))
    for join in select.args.get("joins") or []:
        tests += conjuncts(join.args.get("on"))
    return tests


def _keeps_strangers(scope: Any, name: str) -> bool:
    """Return whether WHERE keeps only the rows that find nothing in a table: `b.id IS NULL`."""
    from sqlglot import exp

    return any(
        isinstance(test, exp.Is)
        and isinstance(test.expression, exp.Null)
        and isinstance(test.this, exp.Column)
        and test.this.table == name
        for test in conjuncts(scope.expression.args.get("where"))
    )


def _compared(scope: Any, name: str) -> bool:
    """Return whether WHERE relates a table of `FROM a, b` to the others."""
    where = scope.expression.args.get("where")
    return bool(where and _relates(where.this, name))


def _relates(condition: exp.Expr, name: str) -> bool:
    """Return whether a condition compares columns of a table with those of others."""
    from sqlglot import exp

    tests = conjuncts(condition)
    if len(tests) > 1:
        return any(_relates(test, name) for test in tests)
    if isinstance(tests[0], exp.Or):
        return all(_relates(side, name) for side in tests[0].flatten())
    tables = {column.table for column in tests[0].find_all(exp.Column)}
    return name in tables and len(tables) > 1


def _one_row(source: Any) -> bool:
    from sqlglot import exp

    select = getattr(source, "expression", None)
    if not isinstance(select, exp.Select) or isinstance(source, exp.Table):
        return False
    limit = select.args.get("limit")
    if limit and limit.expression.name == "1":
        return True
    return one_row(select)
