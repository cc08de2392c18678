"""CSV files as they are found: each is imported, linted and run, and every value compared."""
