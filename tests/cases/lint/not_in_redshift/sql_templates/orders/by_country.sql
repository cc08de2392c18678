SELECT
    c.country,
    COUNT(*) AS orders,
    CAST(1.0 * SUM(s.items) / COUNT(*) AS DECIMAL(18, 2)) AS average_items
FROM sold AS s
JOIN customers AS c ON c.customer = s.customer
WHERE s.amount >= {{ params.least }}
GROUP BY c.country
