"""Tables of PostgreSQL."""

from etl_framework.sources.postgres.source import PostgresSource as PostgresSource
