"""Our errors as Airflow's: those that trying again may mend, and those that it does not."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from etl_framework.airflow._compat import AirflowException, AirflowFailException


@contextmanager
def airflow_errors(connections: Sequence[str] = ()) -> Iterator[None]:
    """Run something that asks Airflow for what is looked up, and fails in Airflow's terms.

    :param connections: those that are used; named where one of them may be what is wrong.
    :raises AirflowFailException: what trying again does not mend: a check, a wrong file.
    :raises AirflowException: what it may: a connection was lost.
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
