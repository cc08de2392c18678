SELECT number FROM orders
