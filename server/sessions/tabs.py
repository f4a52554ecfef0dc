"""How many connections a user has, over all sessions: counted without keeping anything for who has one.

Every session is in the group of its user. The first connection of a session counts by that; each further one is in a
second group, which it leaves by itself when it ends, however that happens. So the two groups together have as many
members as the user has connections, and a session that has one connection costs nothing here.
"""

from __future__ import annotations

from collections.abc import Collection

from actors import Address, System


def connections_of(system: System, user: str) -> int:
    """A session that has no connection yet counts as if it had its first."""
    return len(system.members(user)) + len(system.members(_further(user)))


def has_come(system: System, user: str, connection: Address, others: Collection[Address]) -> None:
    """A connection has come to a session that has `others`."""
    if others:
        system.join(_further(user), connection)


def has_gone(system: System, user: str, left: Collection[Address]) -> None:
    """A connection of a session has ended, and `left` are those it still has: one of them is its first."""
    further = system.members(_further(user))
    if left and all(connection in further for connection in left):
        system.leave(_further(user), next(iter(left)))


def _further(user: str) -> tuple[str, str]:
    return "further connections of", user
