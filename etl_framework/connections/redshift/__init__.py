"""Amazon Redshift, through one of several drivers."""

from etl_framework.connections.redshift.connection import Redshift as Redshift
