SELECT customer
FROM broken
WHERE bigg
