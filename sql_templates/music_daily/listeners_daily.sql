-- One row for the day, from the listens of the seven days up to it.
SELECT
    CAST({{ interval.date }} AS DATE) AS day,
    COUNT(DISTINCT CASE WHEN listen_time >= {{ interval.start }} THEN user_id END) AS listeners,
    COUNT(DISTINCT user_id) AS listeners_7d,
    SUM(CASE WHEN listen_time >= {{ interval.start }} THEN 1 ELSE 0 END) AS listens
FROM daily_listens
