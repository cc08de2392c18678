SELECT order_id, customer_id, amount
FROM {{ source('raw', 'orders') }}
WHERE amount > 0
