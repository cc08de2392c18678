SELECT customer, COUNT(*) AS orders
FROM orders
GROUP BY customer
