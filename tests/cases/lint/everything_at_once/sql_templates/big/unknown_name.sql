SELECT order_id FROM orders WHERE order_id > {{ params.limt }}
