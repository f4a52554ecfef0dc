"""Loading a module again from its source, for a hot code change, and going back if that comes to nothing.

The rules:
- Only actors and functions may be in it. Any other class would be made anew: what waits in mailboxes and is kept in
  states is of the old one, and would be matched by nothing any more. So message types live in modules of their own,
  which are never loaded again; a module that has others is refused.
- The module keeps its identity: functions that look a class up in it find the new one. Names that other modules have
  imported from it (`from counting import Counter`) stay what they were.
- It is compiled from the source and not taken from the cache: that goes by the second and the size of a file, and
  takes an edit that keeps both for none.

The new source may import other modules; those are not loaded again.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from types import ModuleType

from actors.actor import Actor


@contextmanager
def reloaded(module: ModuleType) -> Iterator[Mapping[type[Actor], type[Actor]]]:
    """Load a module again, for the length of a block; it stays so unless the block raises.

        with reloaded(counting) as classes:
            change_all(system, classes)

    Args:
        module: has a source file, and in it actors and functions only.

    Yields:
        Each class of actors in it, and the one that has taken its name. One whose name is gone is not among them.

    Raises:
        ValueError: it is no such module.
    """
    loader = getattr(module.__spec__, "loader", None)
    if not isinstance(loader, SourceFileLoader):
        raise ValueError(f"{module.__name__} was not loaded from a source file")
    old = _classes(module)
    others = sorted(name for name, found in old.items() if not issubclass(found, Actor))
    if others:
        raise ValueError(f"{module.__name__} also defines {', '.join(others)}, of which messages and states may be")
    before = dict(vars(module))
    try:
        source = loader.get_data(loader.path)
        exec(loader.source_to_code(source, loader.path), vars(module))  # noqa: S102 - as an import does
        new = _classes(module)
        yield {old[name]: new[name] for name in old.keys() & new.keys() if issubclass(new[name], Actor)}
    except BaseException:
        for name in vars(module).keys() - before.keys():
            delattr(module, name)
        vars(module).update(before)
        raise


def _classes(module: ModuleType) -> dict[str, type]:
    """The classes that are written in a module, by name."""
    return {
        name: found
        for name, found in vars(module).items()
        if isinstance(found, type) and found.__module__ == module.__name__ and found.__qualname__ == name
    }
