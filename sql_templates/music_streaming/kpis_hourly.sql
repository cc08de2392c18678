-- One row per hour of the day in which anything was listened to.
WITH hours AS (
    SELECT
        EXTRACT(HOUR FROM listen_time) AS hour,
        user_id,
        track_id,
        artist
    FROM listens
),
artists AS (
    SELECT
        hour,
        artist,
        ROW_NUMBER() OVER (PARTITION BY hour ORDER BY COUNT(*) DESC, artist) AS place
    FROM hours
    GROUP BY hour, artist
),
totals AS (
    SELECT
        hour,
        COUNT(DISTINCT user_id) AS unique_listeners,
        CAST(COUNT(DISTINCT track_id) AS DECIMAL(18, 6)) / COUNT(*) AS track_diversity_index
    FROM hours
    GROUP BY hour
)
SELECT
    t.hour,
    t.unique_listeners,
    a.artist AS top_artist_per_hour,
    t.track_diversity_index
FROM totals AS t
JOIN artists AS a ON a.hour = t.hour AND a.place = 1
