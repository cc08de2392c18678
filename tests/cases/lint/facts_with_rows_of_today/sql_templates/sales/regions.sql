SELECT p.sale_id, r.region
FROM places AS p
JOIN (SELECT country, region FROM regions) AS r ON r.country = p.country
