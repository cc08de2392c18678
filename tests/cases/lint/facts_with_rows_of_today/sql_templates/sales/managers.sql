SELECT p.sale_id, m.manager
FROM places AS p
JOIN managers AS m ON m.country = p.country AND m.valid_to IS NULL
WHERE p.sale_id NOT IN (SELECT LENGTH(code) FROM codes)
