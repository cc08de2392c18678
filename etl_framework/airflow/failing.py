"""Our errors as Airflow's: those that trying again may mend, and those that it does not."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from etl_framework.airflow._compat import AirflowException, AirflowFailException


@contextmanager
def airflow_errors() -> Iterator[None]:
    """Run something that asks Airflow for what is looked up, and fails in Airflow's terms.

    :raises AirflowFailException: what trying again does not mend: a check, a wrong file.
    :raises AirflowException: what it may: a connection was lost.
    """
    from etl_framework.airflow.lookup import AirflowLookup
    from etl_framework.connections.lookup import use
    from etl_framework.errors import EtlError, RetryableError

    use(AirflowLookup())
    try:
        yield
    except RetryableError as error:
        raise AirflowException(str(error)) from None
    except EtlError as error:
        raise AirflowFailException(str(error)) from None
