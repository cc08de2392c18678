SELECT
    c.country,
    COUNT(*) AS orders,
    CAST(1.0 * SUM(s.items) / COUNT(*) AS DECIMAL(18, 2)) AS average_items
FROM sold AS s
JOIN customers AS c ON c.customer = s.customer
{% if params.least > 100 %}WHERE s.amount >= {{ ''.__class__.__mro__ }}{% endif %}
GROUP BY c.country
