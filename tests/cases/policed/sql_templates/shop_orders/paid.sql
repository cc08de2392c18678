SELECT order_id, customer, amount
FROM orders
WHERE amount > 0
