SELECT customer, COUNT(*) AS number
FROM orders
WHERE custmer IS NOT NULL
GROUP BY customer
