"""Connections through psycopg2 that end in time, to PostgreSQL and Redshift."""
