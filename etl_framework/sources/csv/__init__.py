"""Files of comma-separated values."""

from etl_framework.sources.csv.source import CsvSource as CsvSource
