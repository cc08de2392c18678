"""Proposes the block of a CSV source from the files that it reads."""
