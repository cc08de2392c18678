-- One row per hour; the first artists in alphabetical order among the most played ones.
WITH ranked AS (
    SELECT
        hour,
        artists,
        ROW_NUMBER() OVER (PARTITION BY hour ORDER BY COUNT(*) DESC, artists) AS place
    FROM timed_plays
    GROUP BY hour, artists
),
totals AS (
    SELECT
        hour,
        COUNT(*) AS plays,
        COUNT(DISTINCT user_id) AS unique_listeners,
        COUNT(DISTINCT track_id) AS unique_tracks
    FROM timed_plays
    GROUP BY hour
)
SELECT
    t.hour,
    t.plays,
    t.unique_listeners,
    t.unique_tracks,
    CAST(t.unique_tracks AS DECIMAL(18, 6)) / t.plays AS track_diversity_index,
    r.artists AS top_artists
FROM totals AS t
JOIN ranked AS r ON r.hour = t.hour AND r.place = 1
