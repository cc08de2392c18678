SELECT customer, country FROM customers
