"""Naming: what an actor is called on other nodes, and who is meant by it.

Two kinds have a name that means the same actor tomorrow: those with a name in the system, and children of a dynamic
supervisor with a key. Nobody else can be spoken of across nodes: what cannot be found again cannot be watched.

The rules:
- A name is a string: the registered name, or `<id of the dynamic supervisor>/<key>`.
- It means whoever has it when a message arrives. So it outlives the actor, and may start it again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from actors.distribution.envelopes import LONGEST_NAME
from actors.dynamic import Dynamic

if TYPE_CHECKING:
    from actors.address import Address
    from actors.system import System

BETWEEN: Final = ":"
"""Stands between a node and a name; no node's own name has it."""

SLASH: Final = "/"
"""Stands between the id of a dynamic supervisor and a key."""

QUESTION: Final = "?"
"""Stands before the number of a question, where an address has the name of its node."""


def name_of(address: Address) -> str:
    """What other nodes call an actor of this system. Raises TypeError for one that has no name they could use."""
    key, owner = address.name, address._blueprint.owner
    name: str | None = None
    if isinstance(key, str):
        if isinstance(owner, Dynamic):
            name = f"{owner.spec.id}{SLASH}{key}"
        elif address._blueprint.system.whereis(key) is address:
            name = key
    if name is None or len(name.encode()) > LONGEST_NAME:
        raise TypeError(f"{address.path} has no name that another node could use")
    return name


def find_by_name(system: System, name: str, start: bool = False) -> Address | None:
    """Who is called so here, if it is started: what `resolve` of a distribution is unless said otherwise.

    Args:
        system: where to look.
        name: as it came.
        start: whether it may be started; this function starts nobody.
    """
    found = system.whereis(name)
    if found is not None:
        return found
    id, slash, key = name.partition(SLASH)
    if not slash:
        return None
    try:
        return system.dynamic(id).find(key)
    except KeyError:
        return None  # a newer node may have more kinds of actors
