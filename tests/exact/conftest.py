"""The reader of single CSV files, here too."""

from tests.sources.conftest import read_csv

__all__ = ["read_csv"]
