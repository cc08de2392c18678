SELECT s.sale_id, s.sold_at, c.country, k.code
FROM sold AS s
JOIN customers AS c ON c.customer = s.customer
LEFT JOIN codes AS k ON k.country = c.country
