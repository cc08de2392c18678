"""Warnings about SQL that may be wrong, and none about SQL that cannot be."""

from __future__ import annotations

import pytest

from etl_framework.lint.linter import Linter
from tests.conftest import Folder

PIPELINE = """
name: p
schedule: "@daily"
sources:
  t:
    type: csv
    connection: lake
    path: t.csv
    columns:
      - {name: id, type: integer, primary_key: true}
      - {name: a, type: integer}
      - {name: b, type: integer}
      - {name: s, type: varchar(20)}
      - {name: d, type: date}
transforms:
  k: {sql: p/k.sql}
"""
NUMBERED = "SELECT a, s, ROW_NUMBER() OVER (PARTITION BY a ORDER BY id) AS rn FROM t"


def warned(folder: Folder, sql: str) -> list[str]:
    folder.write("pipelines/p.yml", PIPELINE)
    folder.write("sql_templates/p/k.sql", f"{sql}\n")
    found = Linter(folder.root).look()
    assert not [problem for problem in found if problem.severity == "error"]
    wanted = ("W402", "W403", "W406", "W407", "W414", "W416", "W417", "W419")
    return [problem.code for problem in found if problem.code in wanted]


@pytest.mark.parametrize(
    "sql",
    [
        "SELECT DISTINCT a FROM t ORDER BY a LIMIT 2",
        "SELECT DISTINCT a, b FROM t ORDER BY b, a LIMIT 2",
        "SELECT a, COUNT(*) AS c FROM t GROUP BY a ORDER BY a LIMIT 2",
        "SELECT a AS x, COUNT(*) AS c FROM t GROUP BY a ORDER BY x LIMIT 2",
        "SELECT a, COUNT(*) AS c FROM t GROUP BY 1 ORDER BY 1 LIMIT 2",
        "SELECT a, b, COUNT(*) AS c FROM t GROUP BY a, b ORDER BY c DESC, a, b LIMIT 2",
        "SELECT a FROM (SELECT id, a FROM t WHERE a > 1) AS u ORDER BY id LIMIT 1",
        "SELECT a, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b, id) AS n FROM t",
        "SELECT a FROM t WHERE d >= '2024-06-25 00:00:00'",
        "SELECT a FROM t WHERE d >= {{ interval.date }} AND d < {{ interval.end }}",
        "SELECT a FROM t WHERE d < CAST('2024-06-26 03:00:00' AS DATE)",
        "SELECT a FROM t WHERE CAST(d AS TIMESTAMP) >= '2024-06-25 03:00:00'",
        "SELECT b FROM t ORDER BY b LIMIT 2",
        "SELECT DISTINCT (b) FROM t ORDER BY b LIMIT 2",
        "SELECT a AS id FROM t ORDER BY id LIMIT 2",
        "SELECT u.id AS x, u.a FROM t AS u ORDER BY x LIMIT 2",
        "SELECT * FROM (SELECT COUNT(*) AS n FROM t) AS x, (SELECT SUM(a) AS m FROM t) AS y "
        "LIMIT 3",
        "WITH x AS (SELECT SUM(a) AS n FROM t) SELECT x.n, t.a FROM t, (SELECT n FROM x) AS x\n"
        "WHERE t.id = 1",
        "SELECT a / b AS x FROM t WHERE b <> 0",
        "SELECT a / CAST(b AS DECIMAL(15, 4)) AS x FROM t WHERE b > 0",
        "SELECT CASE WHEN b = 0 THEN 0 ELSE a / CAST(b AS DECIMAL(15, 4)) END AS x FROM t",
        "SELECT a / b AS x FROM t WHERE a = 1 AND 0 < b",
        "SELECT a / b AS x FROM t WHERE b < -1",
        "SELECT a / b AS x FROM (SELECT a, b FROM t WHERE b >= 1) AS u",
        "SELECT a, 10 / SUM(b) AS x FROM t GROUP BY a HAVING SUM(b) > 0",
        "SELECT x.a / y.b AS x FROM t AS x JOIN t AS y ON y.id = x.id AND y.b <> 0",
        "SELECT CASE b WHEN 0 THEN NULL ELSE a / b END AS x FROM t",
        "SELECT x.id FROM t AS x, (SELECT id + 53 AS k FROM t) AS z WHERE x.id = z.k - 53",
        "SELECT x.id FROM t AS x, t AS y\n"
        "WHERE (x.id = y.b AND y.a > 7) OR (x.id = y.b AND y.a < 5)",
        f"WITH r AS ({NUMBERED}) SELECT u.id, r.s FROM t AS u LEFT JOIN r "
        "ON r.a = u.b AND r.rn = 1",
        f"SELECT u.id, r.s FROM t AS u LEFT JOIN ({NUMBERED}) AS r ON r.a = u.b WHERE r.rn = 1",
        f"WITH r AS (SELECT a, s FROM ({NUMBERED}) AS n WHERE rn = 1)\n"
        "SELECT u.id, r.s FROM t AS u LEFT JOIN r ON r.a = u.b",
        "WITH r AS (SELECT a, s FROM t QUALIFY ROW_NUMBER() OVER (PARTITION BY a ORDER BY id) = 1)"
        " SELECT u.id, r.s FROM t AS u LEFT JOIN r ON r.a = u.b",
        "WITH o AS (SELECT * FROM t) SELECT u.id, o.a FROM t AS u LEFT JOIN o ON o.id = u.b",
        "WITH o AS (SELECT id AS key, a FROM t), p AS (SELECT * FROM o)\n"
        "SELECT u.id, p.a FROM t AS u LEFT JOIN p ON p.key = u.b",
        "SELECT u.id, o.a FROM t AS u JOIN (SELECT a FROM t UNION SELECT b FROM t) AS o "
        "ON o.a = u.b",
        "SELECT COUNT(*) AS c, SUM(x.a) AS s FROM t AS x LEFT JOIN t AS y ON y.b = x.id "
        "WHERE y.b IS NULL",
        "SELECT x.a FROM t AS x LEFT JOIN t AS y ON y.b = x.a WHERE y.id IS NULL",
        "SELECT a FROM t WHERE b IS NULL AND s = '3' AND b = '3' AND a IN (1, NULL)",
    ],
)
def test_no_warning(folder: Folder, sql: str) -> None:
    assert warned(folder, sql) == []


@pytest.mark.parametrize(
    ("sql", "code"),
    [
        ("SELECT DISTINCT a, b FROM t ORDER BY a LIMIT 2", "W402"),
        ("SELECT a, COUNT(*) AS c FROM t GROUP BY a ORDER BY c LIMIT 2", "W402"),
        ("SELECT a, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b) AS n FROM t", "W402"),
        ("SELECT a, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b, a) AS n FROM t", "W402"),
        ("SELECT a, ROW_NUMBER() OVER (PARTITION BY a ORDER BY b, 1 + 1) AS n FROM t", "W402"),
        ("SELECT b AS x, a FROM t ORDER BY x LIMIT 2", "W402"),
        ("SELECT a AS id, s FROM t ORDER BY id LIMIT 2", "W402"),
        ("SELECT * FROM (SELECT a FROM t WHERE b = 1) AS x LIMIT 1", "W402"),
        ("SELECT a / b AS x FROM t WHERE a <> 0", "W403"),
        ("SELECT a / CAST(b AS DECIMAL(15, 4)) AS x FROM t WHERE a <> 0", "W403"),
        ("SELECT a / b AS x FROM t WHERE b > -1", "W403"),
        ("SELECT a / b AS x FROM t WHERE b <> 1", "W403"),
        ("SELECT a / b AS x FROM t WHERE b <> 0 OR a = 1", "W403"),
        ("SELECT x.a / y.b AS x FROM t AS x LEFT JOIN t AS y ON y.id = x.id AND x.b <> 0", "W403"),
        ("SELECT CASE a WHEN 0 THEN NULL ELSE a / b END AS x FROM t", "W403"),
        ("SELECT x.id FROM t AS x, t AS y WHERE x.id = 3 AND y.id = 3", "W406"),
        ("SELECT x.id FROM t AS x, t AS y WHERE x.id = y.b OR y.a < 5", "W406"),
        (f"SELECT u.id, r.s FROM t AS u LEFT JOIN ({NUMBERED}) AS r ON r.a = u.b "
         "WHERE r.rn > 1", "W407"),
        ("SELECT u.id, o.a FROM t AS u JOIN (SELECT a FROM t UNION ALL SELECT b FROM t) AS o "
         "ON o.a = u.b", "W407"),
        ("SELECT SUM(x.a) AS s FROM t AS x LEFT JOIN t AS y ON y.b = x.id WHERE y.b IS NOT NULL",
         "W414"),
        ("SELECT a FROM t WHERE b = NULL", "W416"),
        ("SELECT a FROM t WHERE a > 1 AND b <> NULL", "W416"),
        ("SELECT CASE WHEN NULL = b THEN 1 END AS a FROM t", "W416"),
        ("SELECT a FROM t WHERE b NOT IN (1, NULL)", "W416"),
        ("SELECT a FROM t WHERE s = 3", "W417"),
        ("SELECT x.a FROM t AS x JOIN t AS y ON x.s = y.id", "W417"),
        ("SELECT a FROM t WHERE d >= '2024-06-25 03:00:00'", "W419"),
        ("SELECT a FROM t WHERE d < CAST('2024-06-25 03:00:00' AS TIMESTAMP)", "W419"),
    ],
)  # fmt: skip
def test_a_warning(folder: Folder, sql: str, code: str) -> None:
    assert code in warned(folder, sql)


def test_an_order_by_number_is_blamed_where_its_column_is_selected(folder: Folder) -> None:
    folder.write("pipelines/p.yml", PIPELINE)
    sql = "WITH u AS (SELECT a, b FROM t)\nSELECT\n    b,\n    a\nFROM u ORDER BY 1 LIMIT 3\n"
    folder.write("sql_templates/p/k.sql", sql)

    (tie,) = [problem for problem in Linter(folder.root).look() if problem.code == "W402"]

    assert (tie.line, tie.column) == (3, 5)
