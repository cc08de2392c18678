"""Rows to check, and twenty rules for them, in words that every tool can be given."""

from __future__ import annotations

from pathlib import Path
from typing import Any

COUNTRIES = ["DE", "FR", "IT", "ES", "PL", "SE", "AT", "NL"]
STATES = ["new", "paid", "sent", "back"]
EMAIL, CODE, WORD = r"^[a-z0-9]+@[a-z]+\.org$", r"^[A-Z]{3}-[0-9]{4}$", r"^[a-z]+$"
COLUMNS = {
    "id": "bigint",
    "user_id": "integer",
    "email": "varchar(40)",
    "code": "varchar(8)",
    "country": "varchar(2)",
    "state": "varchar(4)",
    "channel": "varchar(5)",
    "amount": "double precision",
    "discount": "double precision",
    "quantity": "integer",
    "rating": "double precision",
    "made_at": "timestamp",
    "sent_at": "timestamp",
}
ROWS = """
SELECT i AS id,
    CASE WHEN i % 10007 > 0 THEN CAST(i % 50000 AS INTEGER) END AS user_id,
    CASE WHEN i % 9973 = 0 THEN 'nobody' ELSE 'u' || (i % 50000) || '@example.org' END AS email,
    CASE WHEN i % 8009 = 0 THEN 'abc' ELSE 'ABC-' || lpad(CAST(i % 10000 AS VARCHAR), 4, '0') END
        AS code,
    CASE WHEN i % 7919 = 0 THEN 'XX' ELSE ['DE','FR','IT','ES','PL','SE','AT','NL'][i % 8 + 1] END
        AS country,
    CASE WHEN i % 6007 = 0 THEN 'lost' ELSE ['new','paid','sent','back'][i % 4 + 1] END AS state,
    CASE WHEN i % 5 > 0 THEN ['web','shop','phone'][i % 3 + 1] END AS channel,
    (i % 100000) / 4.0 - CASE WHEN i % 5003 = 0 THEN 30000 ELSE 0 END AS amount,
    (i % 400) / 8.0 AS discount,
    CAST(i % 20 AS INTEGER) AS quantity,
    (i % 41) / 8.0 AS rating,
    TIMESTAMP '2024-01-01' + to_seconds(i % 31000000) AS made_at,
    TIMESTAMP '2024-01-01' + to_seconds(i % 31000000 + i % 90000) AS sent_at
FROM range(1, {rows} + 1) AS t(i)
"""
# Every one fails for the rows that break it, and passes an empty value but for the first three.
CHECKS: list[dict[str, Any]] = [
    {"type": "not_null", "columns": ["id"]},
    {"type": "not_null", "columns": ["user_id"]},
    {"type": "not_null", "columns": ["made_at"]},
    {"type": "accepted_values", "column": "country", "values": COUNTRIES},
    {"type": "accepted_values", "column": "state", "values": STATES},
    {"type": "accepted_values", "column": "channel", "values": ["web", "shop", "phone"]},
    {"type": "accepted_range", "column": "id", "min": 1},
    {"type": "accepted_range", "column": "user_id", "min": 0, "max": 49_999},
    {"type": "accepted_range", "column": "amount", "min": 0, "max": 25_000},
    {"type": "accepted_range", "column": "discount", "min": 0, "max": 49},
    {"type": "accepted_range", "column": "quantity", "min": 1, "max": 19},
    {"type": "accepted_range", "column": "rating", "min": 0, "max": 5},
    {"type": "pattern", "column": "email", "pattern": EMAIL},
    {"type": "pattern", "column": "code", "pattern": CODE},
    {"type": "pattern", "column": "channel", "pattern": WORD},
    {"type": "length", "column": "email", "min": 8, "max": 40},
    {"type": "length", "column": "country", "min": 2, "max": 2},
    {"type": "expression", "expression": "sent_at >= made_at"},
    {"type": "expression", "expression": "amount >= discount OR amount < 100"},
    {"type": "expression", "expression": "quantity > 0 OR state <> 'paid'"},
]


def file(folder: Path, rows: int) -> Path:
    """Where the rows lie."""
    return folder / f"{rows}.parquet"


def generate(folder: Path, rows: int) -> None:
    """Write the rows, unless they are there."""
    import duckdb

    folder.mkdir(parents=True, exist_ok=True)
    path = file(folder, rows)
    if path.exists():
        return
    draft = path.with_suffix(".draft")
    with duckdb.connect() as session:
        session.execute("SET memory_limit = '2GB'; SET preserve_insertion_order = false")
        session.execute(f"COPY ({ROWS.format(rows=rows)}) TO '{draft}' (FORMAT parquet)")
    draft.rename(path)
