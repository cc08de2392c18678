SELECT customer, COUNT(*) AS orders
FROM /* {# x #} */ ordrs
WHERE order_id >= {{ params.low }}
GROUP BY customer
