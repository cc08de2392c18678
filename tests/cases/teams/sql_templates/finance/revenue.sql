-- One row.
SELECT COUNT(*) AS orders, SUM(amount) AS amount
FROM orders
WHERE amount >= {{ params.least }}
