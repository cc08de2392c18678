SELECT order_id
FROM orders
WHERE order_id >= {{ params.low }} AND (order_id < 5
