SELECT customer, COUNT(*) AS orders
FROM orders
WHERE order_id >= {{ params.low }} AND custmer IS NOT NULL
GROUP BY customer
