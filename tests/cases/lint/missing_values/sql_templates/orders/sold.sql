SELECT
    c.customer,
    SUM(o.amount) / COUNT(*) AS amount,
    COUNT(*) AS items
FROM customers AS c
LEFT JOIN orders AS o ON o.customer = c.customer
GROUP BY c.customer
