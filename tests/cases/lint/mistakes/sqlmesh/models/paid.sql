MODEL (
  name shop.paid,
  kind FULL,
  cron '0 3 * * *',
  audits (not_null(columns := (amount)))
);

SELECT order_id, customer_id, amount
FROM raw.orders
WHERE amount > 0
