SELECT SUM(amount) AS amount FROM etl_orders
