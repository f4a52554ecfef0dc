"""The owner of a room, as its relay sees it, and what a relay says to it in messages that are not too long: pure."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import Struct

from actors import Address
from server.relays.admissions import USERS_AT_ONCE
from server.relays.messages import Here, Subscribe
from server.rooms.appearances import Said


class Owner(Struct, gc=False):
    """Who is asked to take this relay in, or has done so. `ref`: of that question; 0: it is put when its turn comes.
    `number`: of the subscription then. `told`: how many commands were forwarded by it.

    Out of the collector's sight: it goes with its relay, from which the address parts at the end.
    """

    address: Address
    ref: int = 0
    number: int | None = None
    told: int = 0


def parts_of(users: Sequence[str]) -> list[tuple[str, ...]]:
    """`USERS_AT_ONCE` in each at the most; one part, with nobody in it, where there is nobody."""
    return [tuple(users[at : at + USERS_AT_ONCE]) for at in range(0, len(users), USERS_AT_ONCE)] or [()]


def subscribes(
    ref: int, relay: Address, epoch_seen: int, parts: Sequence[tuple[str, ...]], admit: tuple[str, ...], said: Said
) -> list[Subscribe]:
    """One for each part of those who are attached. What is said of them goes with the first, and whom to admit is asked
    with the last."""
    last = len(parts) - 1
    return [
        Subscribe(
            ref, relay, epoch_seen, part, more=at < last, admit=admit if at == last else (), said=() if at else said
        )
        for at, part in enumerate(parts)
    ]


def heres(subscription: int, said: Said, came: Sequence[str], went: Sequence[str]) -> list[Here]:
    """First how they look, and then who came and went."""
    most = USERS_AT_ONCE
    looks = [Here(subscription, (), (), said[at : at + most]) for at in range(0, len(said), most)]
    moves = [
        Here(subscription, tuple(came[at : at + most]), tuple(went[at : at + most]))
        for at in range(0, max(len(came), len(went)), most)
    ]
    return [*looks, *moves]
