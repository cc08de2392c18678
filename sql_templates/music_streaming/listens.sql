-- One row per listen: a valid event with its track. An exact repeat of an event counts once.
SELECT
    s.user_id,
    s.track_id,
    s.listen_time,
    t.genre AS track_genre,
    t.duration,
    t.artist
FROM (SELECT DISTINCT user_id, track_id, listen_time FROM streams) AS s
JOIN tracks AS t ON t.track_id = s.track_id
