-- One row per hour of the day in which anything was listened to.
WITH artists AS (
    SELECT
        p.hour,
        t.artist,
        ROW_NUMBER() OVER (PARTITION BY p.hour ORDER BY SUM(p.listens) DESC, t.artist) AS place
    FROM all_plays AS p
    JOIN catalogue AS t ON t.track_id = p.track_id
    GROUP BY p.hour, t.artist
),
listeners AS (
    SELECT
        EXTRACT(HOUR FROM listen_time) AS hour,
        COUNT(DISTINCT user_id) AS unique_listeners
    FROM daily_listens
    GROUP BY 1
),
diversity AS (
    SELECT
        hour,
        CAST(COUNT(*) AS DECIMAL(18, 6)) / NULLIF(SUM(listens), 0) AS track_diversity_index
    FROM all_plays
    GROUP BY hour
)
SELECT
    l.hour,
    l.unique_listeners,
    a.artist AS top_artist_per_hour,
    d.track_diversity_index
FROM listeners AS l
JOIN artists AS a ON a.hour = l.hour AND a.place = 1
JOIN diversity AS d ON d.hour = l.hour
