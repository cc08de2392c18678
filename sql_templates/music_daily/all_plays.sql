-- One row per hour of the day and track that was listened to in it.
SELECT
    EXTRACT(HOUR FROM listen_time) AS hour,
    track_id,
    COUNT(*) AS listens
FROM daily_listens
GROUP BY 1, 2
