SELECT v.visit_id, c.country
FROM visits AS v
JOIN customers_history AS c ON c.customer = v.customer AND {{ as_of('c', 'v.visited_at') }}
