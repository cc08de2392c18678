SELECT customer, {{ params.lo }} AS orders
FROM orders
