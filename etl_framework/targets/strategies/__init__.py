"""How a run's rows become part of a table: a class for every strategy.

Other packages add theirs through the entry-point group `etl_framework.strategies`.
"""

from __future__ import annotations

from functools import cache

from etl_framework.errors import ConfigError
from etl_framework.plugins import STRATEGIES as GROUP
from etl_framework.plugins import loaded, registered
from etl_framework.targets.strategies.append import Append, Snapshot
from etl_framework.targets.strategies.base import INTERVAL_COLUMN as INTERVAL_COLUMN
from etl_framework.targets.strategies.base import Guard as Guard
from etl_framework.targets.strategies.base import Strategy as Strategy
from etl_framework.targets.strategies.base import insert as insert
from etl_framework.targets.strategies.base import same_key as same_key
from etl_framework.targets.strategies.changes import Changes
from etl_framework.targets.strategies.delete_insert import DeleteInsert
from etl_framework.targets.strategies.endings import Endings
from etl_framework.targets.strategies.merge import Merge, MergeAll
from etl_framework.targets.strategies.replace import Replace, TruncateInsert
from etl_framework.targets.strategies.scd2 import Scd2

KINDS: tuple[type[Strategy], ...] = (
    Append,
    Replace,
    Merge,
    DeleteInsert,
    Snapshot,
    TruncateInsert,
    Scd2,
)
MERGE_ALL, CHANGES, ENDINGS = MergeAll(), Changes(), Endings()
STRATEGIES: dict[str, Strategy] = {kind.name: kind() for kind in KINDS}


def strategy_names() -> tuple[str, ...]:
    """The strategies there are: those of this folder, then those that packages register."""
    return tuple(dict.fromkeys([*STRATEGIES, *(entry.name for entry in registered(GROUP))]))


@cache
def strategy(name: str) -> Strategy:
    """A strategy by the name that targets give it; a package's is loaded when one asks for it.

    :raises ConfigError: the package that registers it does not load, or registers something else.
    """
    if name in STRATEGIES:
        return STRATEGIES[name]
    entry = next(entry for entry in registered(GROUP) if entry.name == name)
    kind = loaded(entry)
    if not (isinstance(kind, type) and issubclass(kind, Strategy) and kind.name == name):
        raise ConfigError(
            f"plug-in '{name}' ({entry.value}) is no strategy of this name",
            hint=f"register a class below Strategy whose name is '{name}'",
        )
    return kind()
