SELECT DISTINCT ON (customer)
    customer,
    IFNULL(amount, 0) AS amount,
    COUNT(*) FILTER (WHERE items IS DISTINCT FROM 3) AS items
FROM orders
GROUP BY customer, amount
ORDER BY customer
