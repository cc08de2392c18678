SELECT customer, {{ params.low }} + {{ params.low }} AS orders extra
FROM orders
