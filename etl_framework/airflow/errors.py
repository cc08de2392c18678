"""Turn our errors into Airflow's: into one that a retry may mend, or one that it cannot."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from etl_framework.airflow._compat import AirflowException, AirflowFailException


@contextmanager
def airflow_errors(connections: Sequence[str] = ()) -> Iterator[None]:
    """Look up variables and connections in Airflow, and raise errors as Airflow's.

    :param connections: the connections in use; messages name them if one of them may be wrong.
    :raises AirflowFailException: an error that a retry cannot mend: a check, a wrong file.
    :raises AirflowException: an error that a retry may mend: a connection was lost.
    """
    from etl_framework.airflow.lookup import AirflowLookup
    from etl_framework.connections.lookup import use
    from etl_framework.errors import ConfigError, EtlError, RetryableError

    use(AirflowLookup())
    named = f"\n  connections: {', '.join(connections)}" if connections else ""
    try:
        yield
    except RetryableError as error:
        raise AirflowException(f"{error}{named}") from None
    except ConfigError as error:
        raise AirflowFailException(f"{error}{named}") from None
    except EtlError as error:
        raise AirflowFailException(str(error)) from None
