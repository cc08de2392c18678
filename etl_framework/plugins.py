"""Find plug-ins: every file in a plug-in folder, and installed packages that register more.

A plug-in is a class with a `type: Literal["its_name"]` field. Dropping its file into the folder is
all it takes; other packages add theirs through the entry-point group that is called as the folder:
`etl_framework.checks`, `etl_framework.sources`, `etl_framework.connections`. Engines, strategies
and commands have no `type`; each has a group of its own, whose entries have their names.
"""

from __future__ import annotations

import importlib
import pkgutil
from functools import cache, reduce
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from operator import or_
from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_args

from etl_framework.errors import ConfigError

if TYPE_CHECKING:
    from etl_framework.model import Model

M = TypeVar("M", bound="Model")
# For a package of one module; two that need each other's folder would be imported in a circle.
ANY = "etl_framework.plugins"
# Imports the bases of all plug-ins: packages are looked for once every base is whole.
ALL_BASES = "etl_framework.sources.base"
ENGINES = "etl_framework.engines"
STRATEGIES = "etl_framework.strategies"
COMMANDS = "etl_framework.commands"


def type_name(plugin: type[Model]) -> str:
    """What a file writes as `type:` to get this plug-in."""
    return str(get_args(plugin.model_fields["type"].annotation)[0])


@cache
def import_all(package: str) -> None:
    """Import every file of a plug-in folder, then what installed packages register.

    :raises ConfigError: a registered package does not load.
    """
    folder = importlib.import_module(package)
    for module in pkgutil.iter_modules(folder.__path__):
        importlib.import_module(f"{package}.{module.name}")
    importlib.import_module(ALL_BASES)
    for entry in (*registered(ANY), *registered(package)):
        loaded(entry)


@cache
def engine_names() -> tuple[str, ...]:
    """The engines there are: the folders below `engines/`, and what packages register."""
    spec = find_spec(ENGINES)
    folders = pkgutil.iter_modules(spec.submodule_search_locations if spec else ())
    names = {folder.name for folder in folders if folder.ispkg}
    return tuple(sorted(names | {entry.name for entry in registered(ENGINES)}))


@cache
def engine_class(name: str) -> Any:
    """The class of an engine, by the name that environments give it.

    It is found by its name because what is below the engines asks for them: a plan, an environment.

    :raises ConfigError: the package that registers it does not load.
    """
    for entry in registered(ENGINES):
        if entry.name == name:
            return loaded(entry)
    module = importlib.import_module(f"{ENGINES}.{name}.engine")
    here = (value for value in vars(module).values() if isinstance(value, type))
    return next(value for value in here if value.__module__ == module.__name__)


def loaded(entry: EntryPoint) -> Any:
    """What a package registers, imported.

    :raises ConfigError: it does not load.
    """
    try:
        return entry.load()
    except Exception as error:
        raise ConfigError(
            f"plug-in '{entry.name}' ({entry.value}) does not load: {error}",
            hint="fix or uninstall the package that registers it",
        ) from error


@cache
def registered(group: str) -> tuple[EntryPoint, ...]:
    """What installed packages register in a group, by name."""
    return tuple(sorted(_everything().select(group=group), key=lambda entry: entry.name))


@cache
def _everything() -> Any:
    """What installed packages register in every group: a look reads a file of each package."""
    return entry_points()


def plugins(base: type[M]) -> dict[str, type[M]]:
    """Every plug-in below `base` by its type name, sorted.

    :raises ConfigError: a registered package does not load, or two plug-ins share a name.
    """
    import_all(base.__module__.rpartition(".")[0])
    found: dict[str, type[M]] = {}
    for plugin in below(base):
        if "type" not in plugin.model_fields:
            continue
        name = type_name(plugin)
        if found.setdefault(name, plugin) is not plugin:
            raise ConfigError(f"two plug-ins are called '{name}': {found[name]}, {plugin}")
    return dict(sorted(found.items()))


def below(base: Any) -> list[Any]:
    """Every class that is made from another, at whatever depth."""
    return [deep for child in base.__subclasses__() for deep in (child, *below(child))]


def one_of(base: type[M]) -> Any:
    """The type of a field that holds any plug-in below `base`, told apart by `type:`."""
    from pydantic import Field

    return Annotated[reduce(or_, plugins(base).values()), Field(discriminator="type")]
