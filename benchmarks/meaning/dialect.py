"""Bring the queries into Redshift's dialect, and the reference to the same choices.

DuckDB's texts of TPC-H and TPC-DS are Redshift's too, but for what a KPI asks of every query:

1. A column has a name, and each another one: `NAMES` says where one is written, and which.
2. Which rows LIMIT takes is certain: all columns follow in ORDER BY, by their numbers. This is done
   to the reference too, for the original leaves ties open.

3. A column has a plain name: `"30 days"` becomes `n_30_days`. This is done to the reference too, as
   it is to the names in backquotes of those queries that are written for Spark.
"""

from __future__ import annotations

import re

# What is written where a column has no name of its own, and the name that it gets.
NAMES: dict[str, dict[str, str]] = {
    "tpch q18": {"sum(l_quantity)": "total_quantity"},
    "tpcds q02": {"round(sat_sales1/sat_sales2, 2)": "saturday"},
    "tpcds q08": {"sum(ss_net_profit)": "net_profit"},
    "tpcds q13": {"sum(ss_ext_wholesale_cost)": "wholesale_cost"},
    "tpcds q15": {"sum(cs_sales_price)": "sales_price"},
    "tpcds q35": {
        "min(cd_dep_college_count)": "least",
        "max(cd_dep_college_count)": "most",
        "avg(cd_dep_college_count)": "mean",
    },
    "tpcds q38": {"SELECT count(*)": "hot_customers"},
    "tpcds q42": {"sum(ss_ext_sales_price)": "sales_price"},
    "tpcds q45": {"sum(ws_sales_price)": "sales_price"},
    "tpcds q48": {"SELECT SUM (ss_quantity)": "quantity"},
    "tpcds q61": {"cast(total AS decimal(15,4))*100": "percent"},
    "tpcds q79": {"SUBSTRING(s_city,1,30)": "city"},
    "tpcds q85": {"SUBSTRING(r_reason_desc,1,20)": "reason", "avg(wr_fee)": "fee"},
    "tpcds q87": {"SELECT count(*)": "cool_customers"},
    "tpcds q96": {"SELECT count(*)": "sales"},
    "tpcds q23a": {"select  sum(sales)": "sales"},
}
_MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
# Redshift's meaning, written out for plain DuckDB, where values are computed from what is cut off.
RESTATED: dict[str, dict[str, str]] = {
    "tpcds q17": {
        f"avg({column})": f"trunc(avg({column}))::BIGINT"
        for column in ("ss_quantity", "sr_return_quantity", "cs_quantity")
    },
    **{
        f"tpcds {name}": {
            "avg(inv_quantity_on_hand)": "trunc(avg(inv_quantity_on_hand))::BIGINT",
        }
        for name in ("q22", "q39", "q39b")
    },
    "tpcds q66": {
        f"sum({month}_sales/w_warehouse_sq_ft)": (
            f"sum(trunc({month}_sales * 10000 / w_warehouse_sq_ft) / 10000)"
        )
        for month in _MONTHS
    },
}


def for_redshift(query: str, sql: str, columns: int) -> str:
    """The template of a query.

    :param query: the suite and the number of the query: `tpcds q02`.
    :param columns: how many columns it gives.
    """
    sql = ordered(plain(sql), columns)
    for written, name in NAMES.get(query, {}).items():
        sql = _changed(query, sql, written, f"{written} AS {name}", 1)
    return sql


def for_reference(query: str, sql: str, columns: int) -> str:
    """The original, as plain DuckDB runs it."""
    sql = ordered(plain(sql), columns)
    for written, meant in RESTATED.get(query, {}).items():
        sql = _changed(query, sql, written, meant, -1)
    return sql


def plain(sql: str) -> str:
    """The SQL without the semicolon behind it, and with plain names for those in quotes."""
    sql = sql.strip().rstrip(";") + "\n"
    return re.sub(r"\"([^\"]+)\"|`([^`]+)`", lambda quoted: _name(quoted[1] or quoted[2]), sql)


def _name(quoted: str) -> str:
    words = "_".join(re.findall(r"\w+", quoted))
    return f"n_{words}" if words[0].isdigit() else words


def ordered(sql: str, columns: int) -> str:
    """The SQL with the numbers of all columns behind its ORDER BY, if it has a LIMIT."""
    import sqlglot

    tree = sqlglot.parse_one(sql, read="duckdb")
    if not (tree.args.get("limit") and tree.args.get("order")):
        return sql
    numbers = ", ".join(str(number + 1) for number in range(columns))
    return re.sub(r"(\s+limit\s+\d+\s*)$", rf", {numbers}\1", sql, flags=re.IGNORECASE)


def _changed(query: str, sql: str, written: str, instead: str, times: int) -> str:
    if written not in sql:
        raise LookupError(f"{query} has no {written!r}: this list is of another version")
    return sql.replace(written, instead, times)
