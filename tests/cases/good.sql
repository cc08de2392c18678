SELECT c.customer, COALESCE(SUM(o.amount), 0) AS amount, COUNT(o.order_id) AS items FROM
customers AS c LEFT JOIN orders AS o ON o.customer = c.customer GROUP BY c.customer;
WITH t AS (SELECT customer, SUM(amount) AS amount, COUNT(*) AS n FROM orders GROUP BY customer)
SELECT c.customer, t.amount, t.n AS items FROM customers AS c LEFT JOIN t ON t.customer =
c.customer WHERE c.country IS NOT NULL;
SELECT customer, amount, items FROM (SELECT customer, amount, items, ROW_NUMBER() OVER
(PARTITION BY customer ORDER BY amount DESC, order_id) AS n FROM orders) WHERE n = 1;
SELECT customer, SUM(amount) OVER (PARTITION BY customer ORDER BY order_id ROWS UNBOUNDED
PRECEDING) AS amount, items FROM orders;
SELECT customer, amount - LAG(amount) OVER (PARTITION BY customer ORDER BY order_id) AS amount,
items FROM orders;
SELECT customer, 100.0 * SUM(CASE WHEN items > 1 THEN 1 ELSE 0 END) / COUNT(*) AS amount,
COUNT(DISTINCT order_id) AS items FROM orders GROUP BY customer;
SELECT a.customer, a.amount, a.items FROM orders AS a WHERE NOT EXISTS (SELECT 1 FROM customers
AS c WHERE c.customer = a.customer);
SELECT customer, amount, items FROM orders WHERE customer NOT IN (SELECT customer FROM customers
WHERE country = 'DE');
SELECT a.customer, a.amount, a.items FROM orders AS a LEFT JOIN customers AS c ON c.customer =
a.customer WHERE c.customer IS NULL;
SELECT customer, amount, items FROM orders UNION ALL SELECT customer, 0, 0 FROM customers;
SELECT customer, amount, items FROM orders WHERE items IN (SELECT MAX(items) FROM orders);
SELECT o.customer, o.amount, o.items FROM orders AS o CROSS JOIN (SELECT AVG(1.0 * items) AS mean FROM
orders) AS m WHERE o.items > m.mean;
SELECT customer, CASE WHEN items > 0 THEN amount / items END AS amount, items FROM orders;
SELECT customer, CASE WHEN items = 0 THEN 0 ELSE amount / items END AS amount, items FROM orders;
SELECT customer, amount, items FROM orders WHERE DATE_TRUNC('day', ordered_at AT TIME ZONE
'Europe/Berlin') = '2024-01-01';
SELECT customer, MAX(amount) AS amount, MIN(items) AS items FROM orders GROUP BY 1 ORDER BY 2
DESC, 1 LIMIT 10;
SELECT customer, amount, items FROM orders ORDER BY amount DESC, order_id LIMIT 10;
SELECT x.customer, x.amount, y.items FROM (SELECT customer, SUM(amount) AS amount FROM orders
GROUP BY 1) AS x JOIN (SELECT customer, COUNT(*) AS items FROM orders GROUP BY 1) AS y ON
y.customer = x.customer;
SELECT x.customer, x.amount, x.items FROM orders AS x JOIN orders AS y ON y.customer =
x.customer AND y.order_id = x.order_id;
SELECT DISTINCT customer, MAX(amount) OVER (PARTITION BY customer) AS amount, 1 AS items FROM
orders;
SELECT customer, SUM(amount) / NULLIF(COUNT(DISTINCT order_id), 0) AS amount, 1 AS items FROM
orders GROUP BY 1;
SELECT customer, SUM(CASE WHEN country = 'DE' THEN 1 ELSE 0 END) AS amount, COUNT(*) AS items
FROM (SELECT o.customer, c.country FROM orders AS o LEFT JOIN customers AS c ON c.customer =
o.customer) GROUP BY customer;
SELECT c.customer, SUM(o.items) AS amount, COUNT(*) AS items FROM customers AS c LEFT JOIN
orders AS o ON o.customer = c.customer AND o.items > 3 WHERE o.amount IS NOT NULL GROUP BY 1;
SELECT customer, amount / GREATEST(items, 1) AS amount, items FROM orders WHERE ordered_at >= {{
interval.start }} AND ordered_at < {{ interval.end }}
