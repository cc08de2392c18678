-- What Redshift keeps of tables and loads, in the PostgreSQL behind the stand-in.
CREATE SCHEMA IF NOT EXISTS redshift;
CREATE TABLE IF NOT EXISTS redshift.table_attributes (
    table_id oid, diststyle text, distkey text, sortkey text
);
DROP TABLE IF EXISTS redshift.load_errors CASCADE;
CREATE TABLE redshift.load_errors (
    query_id bigint GENERATED ALWAYS AS IDENTITY,
    start_time timestamp DEFAULT now(),
    table_id bigint, file_name text, line_number bigint, column_name text, column_type text,
    record_line text, error_value text, error_code int, error_message text
);
CREATE OR REPLACE VIEW redshift.sys_load_error_detail AS
    SELECT query_id, table_id, start_time, file_name, line_number, column_name, column_type,
        error_code, error_message
    FROM redshift.load_errors;
CREATE OR REPLACE VIEW redshift.stl_load_errors AS
    SELECT query_id AS query, start_time AS starttime, table_id AS tbl, file_name AS filename,
        line_number, column_name AS colname, column_type AS type, record_line AS raw_line,
        error_value AS raw_field_value, error_code AS err_code, error_message AS err_reason
    FROM redshift.load_errors;
-- Seconds are measured; nothing here counts bytes, so that query_steps stays empty.
DROP TABLE IF EXISTS redshift.queries, redshift.query_steps CASCADE;
CREATE TABLE redshift.queries (
    query_id bigint GENERATED ALWAYS AS IDENTITY, query_label text, query_text text,
    start_time timestamp, end_time timestamp
);
CREATE TABLE redshift.query_steps (
    query_id bigint, step_name text, start_time timestamp, input_bytes bigint,
    spilled_block_local_disk bigint, spilled_block_remote_disk bigint
);
CREATE OR REPLACE VIEW redshift.sys_query_history AS
    SELECT query_id, query_label::char(320), start_time, end_time,
        (extract(epoch FROM end_time - start_time) * 1000000)::bigint AS elapsed_time,
        query_text::char(4000)
    FROM redshift.queries;
CREATE OR REPLACE VIEW redshift.sys_query_detail AS SELECT * FROM redshift.query_steps;
CREATE OR REPLACE VIEW redshift.pg_table_def AS
    SELECT n.nspname AS schemaname, c.relname AS tablename, a.attname AS "column",
        format_type(a.atttypid, a.atttypmod) AS type, 'none'::text AS encoding,
        a.attname = t.distkey AS distkey,
        coalesce(array_position(string_to_array(t.sortkey, ','), a.attname::text), 0) AS sortkey,
        a.attnotnull AS "notnull"
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN redshift.table_attributes t ON t.table_id = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v')
    AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'redshift')
    AND pg_table_is_visible(c.oid) -- of other sessions no temporary ones
    ORDER BY 1, 2, a.attnum;
CREATE OR REPLACE VIEW redshift.svv_redshift_columns AS
    SELECT current_database()::text AS database_name, n.nspname::text AS schema_name,
        c.relname::text AS table_name, a.attname::text AS column_name,
        a.attnum AS ordinal_position, coalesce(a.attname = t.distkey, false) AS distkey,
        coalesce(array_position(string_to_array(t.sortkey, ','), a.attname::text), 0) AS sortkey
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
    JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN redshift.table_attributes t ON t.table_id = c.oid
    WHERE a.attnum > 0 AND NOT a.attisdropped AND c.relkind IN ('r', 'v');
CREATE OR REPLACE VIEW redshift.pg_class_info AS
    SELECT c.oid AS reloid, c.relname, c.relnamespace, CASE
        WHEN t.distkey <> '' THEN 1 WHEN t.diststyle = 'EVEN' THEN 0 WHEN t.diststyle = 'ALL' THEN 8
        ELSE 11 END AS releffectivediststyle
    FROM pg_class AS c LEFT JOIN redshift.table_attributes AS t ON t.table_id = c.oid;
CREATE OR REPLACE VIEW redshift.svv_relation_privileges AS
    SELECT n.nspname::text AS namespace_name, c.relname::text AS relation_name,
        given.privilege_type::text, given.grantee AS identity_id,
        coalesce(r.rolname::text, 'public') AS identity_name,
        CASE WHEN r.oid IS NULL THEN 'public' WHEN r.rolcanlogin THEN 'user' ELSE 'group' END
            AS identity_type,
        given.is_grantable AS admin_option
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    CROSS JOIN LATERAL aclexplode(c.relacl) AS given LEFT JOIN pg_roles AS r ON r.oid = given.grantee
    WHERE given.privilege_type IN ('SELECT', 'INSERT', 'UPDATE', 'DELETE', 'REFERENCES', 'TRUNCATE');
CREATE OR REPLACE VIEW redshift.svv_column_privileges AS
    SELECT n.nspname::text AS namespace_name, c.relname::text AS relation_name,
        a.attname::text AS column_name, given.privilege_type::text, given.grantee AS identity_id,
        coalesce(r.rolname::text, 'public') AS identity_name,
        CASE WHEN r.oid IS NULL THEN 'public' WHEN r.rolcanlogin THEN 'user' ELSE 'group' END
            AS identity_type,
        given.is_grantable AS admin_option
    FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
    JOIN pg_attribute AS a ON a.attrelid = c.oid
    CROSS JOIN LATERAL aclexplode(a.attacl) AS given LEFT JOIN pg_roles AS r ON r.oid = given.grantee;
CREATE OR REPLACE VIEW redshift.svv_transactions AS
    SELECT activity.usename::text AS txn_owner, activity.datname::text AS txn_db, held.pid,
        activity.backend_xid AS xid, activity.xact_start AS txn_start, held.mode AS lock_mode,
        held.locktype AS lockable_object_type, held.relation, held.granted
    FROM pg_locks AS held JOIN pg_stat_activity AS activity ON activity.pid = held.pid
    WHERE held.relation IS NOT NULL;
