SELECT order_id, amount AS paid
FROM payments
