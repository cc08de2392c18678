-- One row per country in which anything was played.
SELECT
    p.user_country,
    COUNT(*) AS plays,
    SUM(t.seconds) AS seconds
FROM timed_plays AS t
JOIN people AS p ON p.user_id = t.user_id
GROUP BY p.user_country
