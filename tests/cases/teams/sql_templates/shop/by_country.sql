-- One row a country.
{% from 'macros/shares.sql' import share %}
SELECT c.country, c.orders, c.amount, {{ share('amount', 'everything') }} AS share
FROM (
    SELECT
        country,
        COUNT(*) AS orders,
        SUM(amount) AS amount,
        SUM(SUM(amount)) OVER () AS everything
    FROM orders
    WHERE {{ params.country }} IN (country, 'all')
    GROUP BY country
) AS c
