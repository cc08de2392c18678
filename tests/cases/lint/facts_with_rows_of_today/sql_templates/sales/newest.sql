SELECT s.sale_id, r.region
FROM sold AS s
JOIN customers AS c ON c.customer = s.customer
JOIN regions AS r ON r.country = c.country
