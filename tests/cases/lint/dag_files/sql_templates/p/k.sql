SELECT customer, COUNT(*) AS orders
FROM orders
WHERE order_id >= {{ params.low }}
GROUP BY customer
