SELECT customer, 1 AS orders
FROM orders JOIN customers ON {{ params.low }} = 3
