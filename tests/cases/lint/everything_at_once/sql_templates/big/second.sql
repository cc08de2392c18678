SELECT order_id FROM first
