SELECT
    c.country,
    COUNT(*) AS orders,
    SUM(p.amount) AS revenue
FROM paid AS p
JOIN customers AS c ON c.customer_id = p.customer_id
GROUP BY c.country
HAVING COUNT(*) >= {{ params.least }}
