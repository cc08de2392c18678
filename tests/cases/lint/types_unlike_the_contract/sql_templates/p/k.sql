SELECT customer, MAX(customer) AS orders
FROM orders
WHERE order_id >= {{ params.low }}
GROUP BY customer
