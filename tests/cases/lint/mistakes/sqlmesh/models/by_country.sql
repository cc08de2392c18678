MODEL (
  name shop.by_country,
  kind FULL,
  owner analytics,
  columns (
    country varchar(2),
    orders bigint,
    revenue decimal(38,2)
  ),
  audits (not_null(columns := (country)))
);

SELECT
    c.country,
    COUNT(*) AS orders,
    SUM(p.amount) AS revenue
FROM shop.paid AS p
JOIN raw.customers AS c ON c.customer_id = p.customer_id
GROUP BY c.country
HAVING COUNT(*) >= @least
