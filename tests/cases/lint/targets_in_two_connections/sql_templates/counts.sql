SELECT COUNT(*) AS orders FROM etl_orders
