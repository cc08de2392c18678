SELECT order_id, customer, amount AS spent
FROM paid
