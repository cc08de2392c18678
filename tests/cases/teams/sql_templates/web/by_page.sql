-- One row a page.
SELECT page, COUNT(*) AS n
FROM {{ ident(params.of) }}
GROUP BY page
HAVING COUNT(*) >= {{ params.least }}
