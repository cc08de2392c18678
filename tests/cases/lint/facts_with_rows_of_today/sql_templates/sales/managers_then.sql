WITH known AS (SELECT country, manager, valid_from, valid_to FROM managers)
SELECT p.sale_id, m.manager
FROM places AS p
JOIN known AS m ON m.country = p.country AND {{ as_of('m', 'p.sold_at') }}
