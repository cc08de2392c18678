"""The steps of a run whose engine is a Redshift cluster: rows stay there, SQL goes to them.

A relation is a table in a staging schema, named in the step's result. Each attempt makes a table of
its own, so that no run sees half of one.
"""
