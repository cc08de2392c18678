SELECT
    c.customer,
    SUM(c.worth) AS amount,
    COUNT(*) AS items
FROM customers AS c
JOIN orders AS o ON o.customer = c.customer
GROUP BY c.customer
