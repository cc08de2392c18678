SELECT customer, amount, items
FROM orders
WHERE ordered_at < {{ interval.end }}
