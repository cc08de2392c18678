-- One row a customer.
SELECT r.customer, COUNT(*) AS n
FROM rows AS r
GROUP BY r.customer
