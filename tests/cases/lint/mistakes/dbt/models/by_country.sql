SELECT
    c.country,
    COUNT(*) AS orders,
    SUM(p.amount) AS revenue
FROM {{ ref('paid') }} AS p
JOIN {{ source('raw', 'customers') }} AS c ON c.customer_id = p.customer_id
GROUP BY c.country
HAVING COUNT(*) >= {{ var('least') }}
