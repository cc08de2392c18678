"""`python -m etl_framework` is the command `etl`."""

from etl_framework.cli import main

main()
