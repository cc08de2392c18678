-- One row per genre.
WITH tracks_played AS (
    SELECT
        t.genre,
        t.duration,
        p.track_id,
        SUM(p.listens) AS listens
    FROM all_plays AS p
    JOIN catalogue AS t ON t.track_id = p.track_id
    GROUP BY t.genre, t.duration, p.track_id
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY genre ORDER BY listens DESC, track_id) AS place
    FROM tracks_played
)
SELECT
    genre AS track_genre,
    SUM(listens) AS listen_count,
    SUM(duration * listens) / NULLIF(SUM(CASE WHEN duration IS NOT NULL THEN listens END), 0)
        AS average_track_duration,
    100.0 * SUM(listens) / NULLIF(SUM(SUM(listens)) OVER (), 0) AS popularity_index,
    CAST(MAX(CASE WHEN place = 1 THEN track_id END) AS VARCHAR(50)) AS track_id
FROM ranked
GROUP BY genre
