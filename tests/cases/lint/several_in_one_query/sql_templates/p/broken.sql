WITH large AS (
  SELECT customer FROM orders WHERE order_id >
),
small AS (
  SELECT customer customer customer FROM orders
)
SELECT customer, CASE WHEN TRUE THEN FALSE AS big
FROM large
