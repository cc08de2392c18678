-- One row per customer.
SELECT customer, CAST(COUNT(*) AS INTEGER) AS orders FROM orders GROUP BY customer
