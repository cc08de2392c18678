-- One row per listen: a valid event. An exact repeat of an event counts once.
SELECT DISTINCT
    user_id,
    track_id,
    listen_time
FROM events
