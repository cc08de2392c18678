SELECT order_id FROM second
