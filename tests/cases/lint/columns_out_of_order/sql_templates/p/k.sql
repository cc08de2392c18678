SELECT COUNT(*) AS orders, customer
FROM orders
WHERE order_id >= {{ params.low }}
GROUP BY customer
