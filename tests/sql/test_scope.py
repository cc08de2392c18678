"""Which tables and columns a query names, and which of them lead nowhere."""

from __future__ import annotations

import pytest

from etl_framework.sql.dialect import parse
from etl_framework.sql.references import references, scopes_of
from etl_framework.sql.scope import column_problems

RELATIONS = {"t": ["a", "b", "k"], "u": ["c", "b", "k"], "v": None}


@pytest.mark.parametrize(
    ("sql", "names"),
    [
        pytest.param("SELECT a FROM t", ["t"], id="one table"),
        pytest.param("SELECT 1 AS a", [], id="no table"),
        pytest.param("SELECT a FROM T", ["t"], id="in capitals"),
        pytest.param("SELECT 1 FROM t JOIN u ON t.k = u.k", ["t", "u"], id="a join"),
        pytest.param("WITH c AS (SELECT a FROM t) SELECT a FROM c", ["t"], id="a CTE is none"),
        pytest.param("WITH t AS (SELECT c FROM u) SELECT c FROM t", ["u"], id="a CTE hides"),
        pytest.param("SELECT a FROM (SELECT a FROM t) AS q", ["t"], id="a subquery"),
        pytest.param("SELECT a FROM t UNION SELECT c FROM u", ["t", "u"], id="a union"),
        pytest.param("SELECT a FROM t WHERE k IN (SELECT k FROM u)", ["t", "u"], id="an IN"),
        pytest.param("SELECT (SELECT MAX(c) FROM u) AS m FROM t", ["t", "u"], id="a scalar"),
        pytest.param("WITH RECURSIVE r AS (SELECT a FROM t UNION ALL SELECT a FROM r) "
                     "SELECT a FROM r", ["t"], id="a recursive CTE"),
        pytest.param("WITH c AS (SELECT a FROM t) SELECT * FROM c PIVOT (COUNT(*) FOR a IN (1, 2))",
                     ["t"], id="a CTE with a PIVOT"),
        pytest.param("SELECT a FROM nowhere", ["nowhere"], id="one that does not exist"),
    ],
)  # fmt: skip
def test_references(sql: str, names: list[str]) -> None:
    found = references(scopes_of(parse(sql)))

    assert sorted({reference.name for reference in found}) == names
    for reference in found:
        assert sql[reference.offset :].lower().startswith(reference.name)


@pytest.mark.parametrize(
    "sql",
    [
        pytest.param("SELECT * FROM t", id="everything"),
        pytest.param("SELECT t.* FROM t JOIN u ON t.k = u.k", id="everything of one table"),
        pytest.param("SELECT A, T.B FROM T", id="capitals"),
        pytest.param("SELECT a AS z FROM t ORDER BY z", id="an alias in ORDER BY"),
        pytest.param("SELECT a AS z, COUNT(*) AS n FROM t GROUP BY z HAVING COUNT(*) > 1",
                     id="an alias in GROUP BY"),
        pytest.param("SELECT MAX(a) AS b FROM t GROUP BY b HAVING b > 1",
                     id="HAVING with a column that an alias has the name of"),
        pytest.param("SELECT a FROM (SELECT * FROM t UNION ALL SELECT * FROM t) AS q GROUP BY a",
                     id="a union of everything"),
        pytest.param("WITH c AS (SELECT * FROM t UNION ALL SELECT * FROM t) SELECT c.a FROM c",
                     id="a union of everything in a CTE"),
        pytest.param("SELECT p.b, seven FROM t PIVOT (COUNT(*) FOR a IN (7 AS seven)) AS p",
                     id="what PIVOT makes"),
        pytest.param("SELECT a AS z, z + 1 AS y FROM t", id="an alias used again"),
        pytest.param("SELECT t.b FROM t JOIN u ON t.k = u.k ORDER BY b",
                     id="ORDER BY a column that two tables have"),
        pytest.param("SELECT k FROM t JOIN u USING (k)", id="the column of USING"),
        pytest.param("SELECT k FROM t FULL JOIN u USING (k) ORDER BY k", id="USING and ORDER BY"),
        pytest.param("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k)",
                     id="a correlated subquery"),
        pytest.param("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE c = a)",
                     id="a correlated subquery without the tables' names"),
        pytest.param("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE u.k = t.k "
                     "UNION ALL SELECT 1 FROM u WHERE u.b = t.b)", id="a correlated union"),
        pytest.param("SELECT a FROM t WHERE EXISTS (SELECT 1 FROM u WHERE b = 1)",
                     id="the inner table wins"),
        pytest.param("SELECT a FROM t WHERE a = ANY (SELECT c FROM u)", id="ANY"),
        pytest.param("SELECT a FROM t UNION SELECT c FROM u ORDER BY a", id="ORDER BY of a union"),
        pytest.param("WITH c(z) AS (SELECT a FROM t) SELECT z FROM c", id="a CTE that renames"),
        pytest.param("SELECT z FROM (SELECT a FROM t) AS q(z)", id="a subquery that renames"),
        pytest.param("WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM r) "
                     "SELECT n FROM r", id="a recursive CTE that renames"),
        pytest.param("SELECT q.a FROM (SELECT * FROM t) AS q", id="everything of a subquery"),
        pytest.param("SELECT * FROM t UNION SELECT * FROM u ORDER BY a",
                     id="ORDER BY of a union of everything"),
        pytest.param("SELECT z FROM (SELECT * FROM t) AS q(x, y, z)", id="everything, renamed"),
        pytest.param("SELECT k FROM t JOIN v USING (k) JOIN u USING (k)",
                     id="USING of an unknown table"),
        pytest.param("SELECT anything FROM v", id="a table whose columns are not known"),
        pytest.param("SELECT k FROM t NATURAL JOIN u", id="a natural join"),
        pytest.param("SELECT DATEADD(day, 1, a), DATE_PART(dow, a), SYSDATE FROM t",
                     id="parts of a date"),
        pytest.param("SELECT RANK() OVER w AS r FROM t WINDOW w AS (ORDER BY a)", id="a window"),
    ],
)  # fmt: skip
def test_what_is_right(sql: str) -> None:
    assert list(column_problems(scopes_of(parse(sql)), RELATIONS)) == []


@pytest.mark.parametrize(
    ("sql", "code", "at", "hint"),
    [
        pytest.param("SELECT kk FROM t", "E413", "kk", "did you mean 'k'?", id="a column"),
        pytest.param("SELECT a AS z FROM t WHERE z > 1", "E413", "z > 1", "repeat",
                     id="an alias in WHERE"),
        pytest.param("SELECT COUNT(*) AS n FROM t HAVING n > 1", "E413", "n > 1", "repeat",
                     id="an alias in HAVING"),
        pytest.param("SELECT t.a AS z FROM t JOIN u ON z = u.c", "E413", "z =", "repeat",
                     id="an alias in ON"),
        pytest.param("SELECT nope FROM (SELECT * FROM t UNION ALL SELECT * FROM t) AS q", "E413",
                     "nope", "known: a, b, k", id="of a union of everything"),
        pytest.param("SELECT t.nope FROM t", "E413", "nope", "known: a, b, k", id="of a table"),
        pytest.param("SELECT x.a FROM t", "E412", "x", "known: t", id="a table"),
        pytest.param("SELECT a FROM t UNION SELECT c FROM u WHERE u.k = t.k", "E412", "t.k",
                     "known: u", id="a table of another part of a union"),
        pytest.param("SELECT a FROM t AS z WHERE t.a = 1", "E412", "t.a", "known: z",
                     id="a table's name after its alias"),
        pytest.param("SELECT b FROM t, u", "E414", "b", "write t.b", id="two tables have it"),
        pytest.param("SELECT k, b FROM t JOIN u USING (k)", "E414", "b", "write t.b",
                     id="two tables have it beside USING"),
        pytest.param("SELECT nope AS nope FROM t", "E413", "nope AS", "known: a, b, k",
                     id="its own alias"),
        pytest.param("WITH c AS (SELECT a FROM t) SELECT b FROM c", "E413", "b", "known: a",
                     id="what a CTE leaves out"),
        pytest.param("SELECT a FROM t UNION SELECT nope FROM u", "E413", "nope",
                     "known: b, c, k", id="in the second part of a union"),
        pytest.param("SELECT a FROM t WHERE a IN (SELECT nope FROM u)", "E413", "nope", "known",
                     id="in a subquery, reported once"),
        pytest.param("SELECT a FROM t GROUP BY nope", "E413", "nope", "known", id="in GROUP BY"),
        pytest.param("SELECT SUM(a) OVER (PARTITION BY nope) AS s FROM t", "E413", "nope",
                     "known", id="in a window"),
        pytest.param("SELECT q.c FROM (SELECT * FROM t) AS q", "E413", "c", "known: a, b, k",
                     id="of everything of a subquery"),
        pytest.param("SELECT x.* FROM t", "E412", "x", "known: t", id="everything of no table"),
        pytest.param("SELECT a FROM t JOIN u USING (nope)", "E413", "nope", "", id="in USING"),
        pytest.param("SELECT a FROM t JOIN u USING (c)", "E413", "c)", "known: a, b, k",
                     id="in USING, on the left"),
        pytest.param("SELECT a FROM (SELECT a FROM t) AS q(z)", "E413", "a", "known: z",
                     id="its name before it was renamed"),
        pytest.param("SELECT a FROM t, t AS t2", "E414", "a ", "write t.a", id="a self join"),
    ],
)  # fmt: skip
def test_what_leads_nowhere(sql: str, code: str, at: str, hint: str) -> None:
    (found,) = column_problems(scopes_of(parse(sql)), RELATIONS)

    assert (found.code, found.offset) == (code, sql.index(at))
    assert found.hint.startswith(hint)
