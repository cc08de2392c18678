"""The types and primary keys that TPC-H and TPC-DS give their columns.

The generators make every text a VARCHAR and most integers a BIGINT. The specifications have CHAR
for codes and names of a fixed width, and INTEGER for keys and counts.
"""

from __future__ import annotations

import re

# The last words of a column's name, with the width that the specifications give such a CHAR.
CHARS = {
    "tpch": {
        "n_name|r_name|s_name|p_mfgr|l_shipinstruct": 25,
        "s_phone|c_phone|o_orderpriority|o_clerk": 15,
        "p_brand|p_container|c_mktsegment|l_shipmode": 10,
        "l_returnflag|l_linestatus|o_orderstatus": 1,
    },
    "tpcds": {
        "_id": 16,
        "_zip|_street_number|_suite_number|i_units|i_container|_salutation|_rating": 10,
        "_street_type|hd_buy_potential|p_purpose": 15,
        "_state|t_am_pm": 2,
        "r_reason_desc": 100,
        "i_(brand|class|category|manufact|product_name)|_email_address|_company_name|wp_type": 50,
        "p_promo_name|cc_mkt_class": 50,
        "sm_type|c_last_name": 30,
        "_first_name|_hours|i_(size|formulation|color)|cd_education_status|ca_location_type": 20,
        "sm_(carrier|contract)|t_(shift|sub_shift|meal_time)": 20,
        "sm_code": 10,
        "c_login": 13,
        "d_day_name": 9,
        "d_quarter_name": 6,
        "_flag|_gender|_marital_status|_holiday|_weekend|d_current_\\w+|_active": 1,
        "p_channel_(dmail|email|catalog|tv|radio|press|event|demo)": 1,
    },
}
# The tables whose key is not their first column alone.
KEYS = {
    "catalog_returns": ("cr_item_sk", "cr_order_number"),
    "catalog_sales": ("cs_item_sk", "cs_order_number"),
    "inventory": ("inv_date_sk", "inv_item_sk", "inv_warehouse_sk"),
    "lineitem": ("l_orderkey", "l_linenumber"),
    "partsupp": ("ps_partkey", "ps_suppkey"),
    "store_returns": ("sr_item_sk", "sr_ticket_number"),
    "store_sales": ("ss_item_sk", "ss_ticket_number"),
    "web_returns": ("wr_item_sk", "wr_order_number"),
    "web_sales": ("ws_item_sk", "ws_order_number"),
}
LONGEST = 200


def column_type(suite: str, name: str, generated: str) -> str:
    """The type of a column in a pipeline file.

    :param generated: the type that the generator gives it: `BIGINT`, `DECIMAL(7,2)`, ...
    """
    if generated != "VARCHAR":
        return "integer" if generated == "BIGINT" else generated.lower()
    for ends, width in CHARS[suite].items():
        if re.search(rf"({ends})$", name):
            return f"char({width})"
    return f"varchar({LONGEST})"


def primary_key(table: str, columns: list[str]) -> tuple[str, ...]:
    """The names of a table's key columns."""
    return KEYS.get(table, (columns[0],))
