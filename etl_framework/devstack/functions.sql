-- Functions that Redshift has and PostgreSQL lacks, or has with another meaning, as the SQL of the
-- stand-in calls them. Source: Redshift's Database Developer Guide, "SQL functions reference".
CREATE OR REPLACE FUNCTION redshift.unit(name text) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE lower(name)
        WHEN 'y' THEN 'year' WHEN 'yr' THEN 'year' WHEN 'yrs' THEN 'year' WHEN 'years' THEN 'year'
        WHEN 'qtr' THEN 'quarter' WHEN 'qtrs' THEN 'quarter' WHEN 'quarters' THEN 'quarter'
        WHEN 'mon' THEN 'month' WHEN 'mons' THEN 'month' WHEN 'months' THEN 'month'
        WHEN 'w' THEN 'week' WHEN 'weeks' THEN 'week'
        WHEN 'd' THEN 'day' WHEN 'days' THEN 'day'
        WHEN 'h' THEN 'hour' WHEN 'hr' THEN 'hour' WHEN 'hrs' THEN 'hour' WHEN 'hours' THEN 'hour'
        WHEN 'm' THEN 'minute' WHEN 'min' THEN 'minute' WHEN 'mins' THEN 'minute'
        WHEN 'minutes' THEN 'minute'
        WHEN 's' THEN 'second' WHEN 'sec' THEN 'second' WHEN 'secs' THEN 'second'
        WHEN 'seconds' THEN 'second'
        WHEN 'dayofweek' THEN 'dow' WHEN 'dw' THEN 'dow' WHEN 'weekday' THEN 'dow'
        WHEN 'dayofyear' THEN 'doy' WHEN 'dy' THEN 'doy' WHEN 'yearday' THEN 'doy'
        WHEN 'c' THEN 'century' WHEN 'cent' THEN 'century' WHEN 'cents' THEN 'century'
        WHEN 'centuries' THEN 'century' WHEN 'dec' THEN 'decade' WHEN 'decs' THEN 'decade'
        WHEN 'decades' THEN 'decade' WHEN 'mil' THEN 'millennium' WHEN 'mils' THEN 'millennium'
        WHEN 'millennia' THEN 'millennium'
        WHEN 'ms' THEN 'millisecond' WHEN 'msec' THEN 'millisecond' WHEN 'msecs' THEN 'millisecond'
        WHEN 'milliseconds' THEN 'millisecond' WHEN 'us' THEN 'microsecond'
        WHEN 'usec' THEN 'microsecond' WHEN 'usecs' THEN 'microsecond'
        WHEN 'microseconds' THEN 'microsecond'
        ELSE lower(name) END $$;

CREATE OR REPLACE FUNCTION redshift.step(name text, n bigint) RETURNS interval
LANGUAGE sql IMMUTABLE AS $$
    SELECT n * CASE redshift.unit(name)
        WHEN 'quarter' THEN interval '3 months' ELSE ('1 ' || redshift.unit(name))::interval END $$;
CREATE OR REPLACE FUNCTION redshift.dateadd(name text, n bigint, at timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE AS $$ SELECT at + redshift.step(name, n) $$;
CREATE OR REPLACE FUNCTION redshift.dateadd(name text, n bigint, at timestamptz)
RETURNS timestamptz LANGUAGE sql STABLE AS $$ SELECT at + redshift.step(name, n) $$;
CREATE OR REPLACE FUNCTION redshift.dateadd(name text, n bigint, at date) RETURNS timestamp
LANGUAGE sql IMMUTABLE AS $$ SELECT at::timestamp + redshift.step(name, n) $$;
CREATE OR REPLACE FUNCTION redshift.dateadd(name text, n bigint, at text) RETURNS timestamp
LANGUAGE sql STABLE AS $$ SELECT at::timestamp + redshift.step(name, n) $$;

-- How many borders of a unit lie between two moments.
CREATE OR REPLACE FUNCTION redshift.borders(name text, a timestamp, b timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE redshift.unit(name)
        WHEN 'year' THEN (extract(year FROM b) - extract(year FROM a))::bigint
        WHEN 'quarter' THEN ((extract(year FROM b) - extract(year FROM a)) * 4
            + extract(quarter FROM b) - extract(quarter FROM a))::bigint
        WHEN 'month' THEN ((extract(year FROM b) - extract(year FROM a)) * 12
            + extract(month FROM b) - extract(month FROM a))::bigint
        WHEN 'day' THEN (b::date - a::date)::bigint
        ELSE (extract(epoch FROM date_trunc(redshift.unit(name), b)
            - date_trunc(redshift.unit(name), a))
            / extract(epoch FROM ('1 ' || redshift.unit(name))::interval))::bigint END $$;
CREATE OR REPLACE FUNCTION redshift.datediff(name text, a timestamp, b timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT redshift.borders(name, a, b) $$;
CREATE OR REPLACE FUNCTION redshift.datediff(name text, a timestamptz, b timestamptz)
RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT redshift.borders(name, a AT TIME ZONE 'UTC', b AT TIME ZONE 'UTC') $$;
CREATE OR REPLACE FUNCTION redshift.datediff(name text, a text, b text) RETURNS bigint
LANGUAGE sql STABLE AS $$ SELECT redshift.borders(name, a::timestamp, b::timestamp) $$;

CREATE OR REPLACE FUNCTION redshift.date_trunc(name text, at timestamp) RETURNS timestamp
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.date_trunc(redshift.unit(name), at) $$;
CREATE OR REPLACE FUNCTION redshift.date_trunc(name text, at timestamptz) RETURNS timestamptz
LANGUAGE sql STABLE AS $$ SELECT pg_catalog.date_trunc(redshift.unit(name), at) $$;
CREATE OR REPLACE FUNCTION redshift.date_trunc(name text, at date) RETURNS timestamp
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.date_trunc(redshift.unit(name), at::timestamp) $$;

-- EXTRACT gives an integer, without what is above or below the part; DATE_PART gives a float.
CREATE OR REPLACE FUNCTION redshift.whole_part(name text, value float8) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN redshift.unit(name) IN ('millisecond', 'microsecond')
        THEN floor(value)::bigint % 1000 ELSE floor(value)::bigint END $$;
CREATE OR REPLACE FUNCTION redshift.date_part(name text, at timestamp) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.date_part(redshift.unit(name), at) $$;
CREATE OR REPLACE FUNCTION redshift.date_part(name text, at date) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.date_part(redshift.unit(name), at::timestamp) $$;
CREATE OR REPLACE FUNCTION redshift.extract_part(name text, at timestamp) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT redshift.whole_part(name, pg_catalog.date_part(redshift.unit(name), at)) $$;
CREATE OR REPLACE FUNCTION redshift.extract_part(name text, at timestamptz) RETURNS bigint
LANGUAGE sql STABLE AS $$
    SELECT redshift.whole_part(name, pg_catalog.date_part(redshift.unit(name), at)) $$;
CREATE OR REPLACE FUNCTION redshift.extract_part(name text, at date) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT redshift.whole_part(name, pg_catalog.date_part(redshift.unit(name), at::timestamp)) $$;
CREATE OR REPLACE FUNCTION redshift.extract_part(name text, length interval) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT redshift.whole_part(name, pg_catalog.date_part(redshift.unit(name), length)) $$;

CREATE OR REPLACE FUNCTION redshift.last_day(at timestamp) RETURNS date
LANGUAGE sql IMMUTABLE AS $$
    SELECT (pg_catalog.date_trunc('month', at) + interval '1 month' - interval '1 day')::date $$;
CREATE OR REPLACE FUNCTION redshift.add_months(at timestamp, n bigint) RETURNS timestamp
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN at::date = redshift.last_day(at)
        THEN redshift.last_day(at + n * interval '1 month') + at::time
        ELSE at + n * interval '1 month' END $$;

CREATE OR REPLACE FUNCTION redshift.months_between(a timestamp, b timestamp) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$
    SELECT redshift.borders('month', b, a) + CASE
        WHEN extract(day FROM a) = extract(day FROM b)
            OR (a::date = redshift.last_day(a) AND b::date = redshift.last_day(b)) THEN 0
        ELSE (extract(day FROM a) - extract(day FROM b)
            + extract(epoch FROM a::time - b::time) / 86400) / 31 END::float8 $$;
-- The names of the days may be shortened to two letters.
CREATE OR REPLACE FUNCTION redshift.next_day(at timestamp, name text) RETURNS date
LANGUAGE sql IMMUTABLE AS $$
    SELECT at::date + ((position(lower(pg_catalog.left(name, 2)) IN 'sumotuwethfrsa') - 1) / 2
        - extract(dow FROM at)::int + 6) % 7 + 1 $$;

CREATE OR REPLACE FUNCTION redshift.trunc(at timestamptz) RETURNS date
LANGUAGE sql STABLE AS $$ SELECT at::date $$;
CREATE OR REPLACE FUNCTION redshift.trunc(at timestamp) RETURNS date
LANGUAGE sql IMMUTABLE AS $$ SELECT at::date $$;
CREATE OR REPLACE FUNCTION redshift.trunc(n numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.trunc(n) $$;
CREATE OR REPLACE FUNCTION redshift.trunc(n numeric, digits int) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.trunc(n, digits) $$;
CREATE OR REPLACE FUNCTION redshift.trunc(n float8) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.trunc(n) $$;
CREATE OR REPLACE FUNCTION redshift.trunc(n float8, digits int) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.trunc(n::numeric, digits)::float8 $$;
CREATE OR REPLACE FUNCTION redshift.round(n numeric) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.round(n) $$;
CREATE OR REPLACE FUNCTION redshift.round(n numeric, digits int) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.round(n, digits) $$;
CREATE OR REPLACE FUNCTION redshift.round(n float8) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.round(n::numeric)::float8 $$;
CREATE OR REPLACE FUNCTION redshift.round(n float8, digits int) RETURNS float8
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.round(n::numeric, digits)::float8 $$;

CREATE OR REPLACE FUNCTION redshift.octet_length(t text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$ SELECT pg_catalog.octet_length(t) $$;
-- The longest beginning of a text that has no more bytes.
CREATE OR REPLACE FUNCTION redshift.cut(t text, size int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN pg_catalog.octet_length(t) <= size THEN t ELSE pg_catalog.left(t, (
        SELECT coalesce(max(k), 0) FROM generate_series(1, size) AS k
        WHERE pg_catalog.octet_length(pg_catalog.left(t, k)) <= size)::int) END $$;
CREATE OR REPLACE FUNCTION redshift.regexp_substr(
    t text, pattern text, start int DEFAULT 1, n int DEFAULT 1, flags text DEFAULT ''
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN t IS NOT NULL AND pattern IS NOT NULL THEN coalesce(
        pg_catalog.regexp_substr(t, pattern, greatest(start, 1), n, replace(flags, 'e', ''),
            (flags LIKE '%e%' AND pattern ~ '[(][^?]')::int), '') END $$;
CREATE OR REPLACE FUNCTION redshift.regexp_replace(
    t text, pattern text, other text DEFAULT '', start int DEFAULT 1, flags text DEFAULT ''
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.regexp_replace(t, pattern, other, greatest(start, 1), 0, flags) $$;

-- The byte at which a part of a text begins.
CREATE OR REPLACE FUNCTION redshift.octetindex(part text, t text) RETURNS int
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE strpos(t, part) WHEN 0 THEN 0
        ELSE pg_catalog.octet_length(pg_catalog.left(t, strpos(t, part) - 1)) + 1 END $$;
CREATE OR REPLACE FUNCTION redshift.sha2(t text, bits int) RETURNS text
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE bits WHEN 224 THEN encode(sha224(convert_to(t, 'UTF8')), 'hex')
        WHEN 384 THEN encode(sha384(convert_to(t, 'UTF8')), 'hex')
        WHEN 512 THEN encode(sha512(convert_to(t, 'UTF8')), 'hex')
        WHEN 256 THEN encode(sha256(convert_to(t, 'UTF8')), 'hex')
        WHEN 0 THEN encode(sha256(convert_to(t, 'UTF8')), 'hex') ELSE '' END $$;
CREATE OR REPLACE FUNCTION redshift.strtol(t text, base int) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN t LIKE '-%' THEN -1 ELSE 1 END * (
        SELECT sum((position(substr(digits, k, 1) IN '0123456789abcdefghijklmnopqrstuvwxyz') - 1)
            * (base::numeric ^ (length(digits) - k)))
        FROM generate_series(1, length(digits)) AS k)::bigint
    FROM lower(ltrim(t, '-+')) AS digits $$;

CREATE OR REPLACE FUNCTION redshift.is_valid_json(t text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT t IS JSON OBJECT $$;
CREATE OR REPLACE FUNCTION redshift.is_valid_json_array(t text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT t IS JSON ARRAY $$;
CREATE OR REPLACE FUNCTION redshift.can_json_parse(t text) RETURNS boolean
LANGUAGE sql IMMUTABLE AS $$ SELECT t IS JSON $$;
-- A document in JSON; NULL for another text where that is wanted instead of an error.
CREATE OR REPLACE FUNCTION redshift.document(t text, null_if_invalid boolean) RETURNS json
LANGUAGE plpgsql IMMUTABLE AS $$
    BEGIN RETURN CASE WHEN NOT null_if_invalid OR t IS JSON THEN t::json END; END $$;
CREATE OR REPLACE FUNCTION redshift.json_extract_path_text(
    t text, null_if_invalid boolean, VARIADIC path text[]
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT redshift.document(t, null_if_invalid) #>> path $$;
CREATE OR REPLACE FUNCTION redshift.json_extract_array_element_text(
    t text, place int, null_if_invalid boolean DEFAULT false
) RETURNS text LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN place >= 0 THEN redshift.document(t, null_if_invalid) ->> place END $$;
CREATE OR REPLACE FUNCTION redshift.json_array_length(
    t text, null_if_invalid boolean DEFAULT false
) RETURNS int LANGUAGE sql IMMUTABLE AS $$
    SELECT pg_catalog.json_array_length(redshift.document(t, null_if_invalid)) $$;

-- The mean of integers is an integer.
CREATE OR REPLACE FUNCTION redshift.whole_mean(state bigint[]) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$ SELECT CASE WHEN state[1] > 0 THEN state[2] / state[1] END $$;
CREATE OR REPLACE FUNCTION redshift.add_big(state numeric[], n bigint) RETURNS numeric[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN n IS NULL THEN state ELSE ARRAY[state[1] + 1, state[2] + n] END $$;
CREATE OR REPLACE FUNCTION redshift.whole_mean(state numeric[]) RETURNS bigint
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN state[1] > 0 THEN pg_catalog.trunc(state[2] / state[1])::bigint END $$;
CREATE OR REPLACE AGGREGATE redshift.avg(smallint) (
    sfunc = int2_avg_accum, stype = bigint[], finalfunc = redshift.whole_mean, initcond = '{0,0}');
CREATE OR REPLACE AGGREGATE redshift.avg(int) (
    sfunc = int4_avg_accum, stype = bigint[], finalfunc = redshift.whole_mean, initcond = '{0,0}');
CREATE OR REPLACE AGGREGATE redshift.avg(bigint) (
    sfunc = redshift.add_big, stype = numeric[], finalfunc = redshift.whole_mean,
    initcond = '{0,0}');
-- The mean of decimals has their scale, and is cut off there.
CREATE OR REPLACE FUNCTION redshift.add_decimal(state numeric[], n numeric) RETURNS numeric[]
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN n IS NULL THEN state
        ELSE ARRAY[state[1] + 1, state[2] + n, greatest(state[3], scale(n))] END $$;
CREATE OR REPLACE FUNCTION redshift.decimal_mean(state numeric[]) RETURNS numeric
LANGUAGE sql IMMUTABLE AS $$
    SELECT CASE WHEN state[1] > 0
        THEN pg_catalog.trunc(div(state[2] * 10 ^ state[3], state[1]) / 10 ^ state[3], state[3]::int)
        END $$;
CREATE OR REPLACE AGGREGATE redshift.avg(numeric) (
    sfunc = redshift.add_decimal, stype = numeric[], finalfunc = redshift.decimal_mean,
    initcond = '{0,0,0}');
CREATE OR REPLACE AGGREGATE redshift.avg(float8) (
    sfunc = float8_accum, stype = float8[], finalfunc = float8_avg, initcond = '{0,0,0}');

-- The sum of integers is a BIGINT.
CREATE OR REPLACE AGGREGATE redshift.sum(smallint) (sfunc = int2_sum, stype = bigint);
CREATE OR REPLACE AGGREGATE redshift.sum(int) (sfunc = int4_sum, stype = bigint);
CREATE OR REPLACE AGGREGATE redshift.sum(bigint) (sfunc = int8pl, stype = bigint);
CREATE OR REPLACE AGGREGATE redshift.sum(numeric) (sfunc = numeric_add, stype = numeric);
CREATE OR REPLACE AGGREGATE redshift.sum(float8) (sfunc = float8pl, stype = float8);
CREATE OR REPLACE AGGREGATE redshift.sum(interval) (sfunc = interval_pl, stype = interval);

-- FIRST_VALUE and LAST_VALUE with IGNORE NULLS.
CREATE OR REPLACE FUNCTION redshift.older(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(state, value) $$;
CREATE OR REPLACE FUNCTION redshift.newer(state anyelement, value anyelement) RETURNS anyelement
LANGUAGE sql IMMUTABLE AS $$ SELECT coalesce(value, state) $$;
CREATE OR REPLACE AGGREGATE redshift.first_known(anyelement) (
    sfunc = redshift.older, stype = anyelement);
CREATE OR REPLACE AGGREGATE redshift.last_known(anyelement) (
    sfunc = redshift.newer, stype = anyelement);
