-- One row per genre.
WITH tracks_of_genre AS (
    SELECT
        track_genre,
        track_id,
        COUNT(*) AS listens,
        SUM(duration) AS seconds,
        COUNT(duration) AS timed
    FROM listens
    GROUP BY track_genre, track_id
),
ranked AS (
    SELECT
        *,
        ROW_NUMBER() OVER (PARTITION BY track_genre ORDER BY listens DESC, track_id) AS place
    FROM tracks_of_genre
)
SELECT
    track_genre,
    SUM(listens) AS listen_count,
    SUM(seconds) / NULLIF(SUM(timed), 0) AS average_track_duration,
    100.0 * SUM(listens) / SUM(SUM(listens)) OVER () AS popularity_index,
    CAST(MAX(CASE WHEN place = 1 THEN track_id END) AS VARCHAR(50)) AS track_id
FROM ranked
GROUP BY track_genre
