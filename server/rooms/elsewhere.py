"""Who listens on other nodes: the relays that are subscribed to a room, and whose users are there.

Pure; relays are opaque keys. There is one of these only where somebody listens from elsewhere. Of a relay it keeps the
names of the users, and nothing of their sessions. A small room has one or two users on a node: an empty set would be
more than all the rest of a subscriber, so it is `Few`.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from actors import Address
from actors.few import Few, added, contains, each, removed


class Subscriber(Struct, gc=False):
    """One relay. Out of the collector's sight: it goes with its room, from which the address parts at the end.

    Attributes
    ----------
    ref
        Which of its `Subscribe` this is.
    gone
        Whom it has told of, and who was no member: to be said when it has told of all, and forgotten then.
    heard
        How many commands it has forwarded.
    """

    relay: Address
    ref: int
    gone: tuple[str, ...] = ()
    heard: int = 0
    _users: Few[str] = None

    @property
    def users(self) -> tuple[str, ...]:
        """Who is with it."""
        return each(self._users)

    def has(self, user: str) -> bool:
        return contains(self._users, user)

    def came(self, user: str) -> None:
        """Harmless where it is there already."""
        self._users = added(self._users, user)

    def went(self, user: str) -> None:
        """Harmless where it is not there."""
        self._users = removed(self._users, user)


class Elsewhere:
    """The subscribers of a room, under one epoch.

    `relays` is one tuple, shared by all deliveries until somebody comes or goes.
    """

    __slots__ = ("_subscribers", "epoch", "relays")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.relays: tuple[Address, ...] = ()
        self._subscribers: dict[int, Subscriber] = {}  # by the number of the subscription

    def number_of(self, relay: Address, ref: int) -> int | None:
        """Of the subscription that this `ref` of the relay has, if it has one."""
        subscribers = self._subscribers.items()
        return next((number for number, one in subscribers if one.relay == relay and one.ref == ref), None)

    def begin(self, number: int, relay: Address, ref: int) -> None:
        self._subscribers[number] = Subscriber(relay, ref)
        self._count()

    def end(self, number: int) -> None:
        del self._subscribers[number]
        self._count()

    def _count(self) -> None:
        self.relays = tuple(subscriber.relay for subscriber in self._subscribers.values())

    def find(self, number: int) -> Subscriber | None:
        """None: it has ended, or it was another life of the room that gave the number."""
        return self._subscribers.get(number)

    def numbers_of(self, relay: Address) -> tuple[int, ...]:
        return tuple(number for number, subscriber in self._subscribers.items() if subscriber.relay == relay)

    def has(self, user: str) -> bool:
        return any(subscriber.has(user) for subscriber in self._subscribers.values())

    def places_of(self, user: str) -> int:
        """With how many relays the user is."""
        return sum(subscriber.has(user) for subscriber in self._subscribers.values())

    def users(self) -> set[str]:
        return {user for subscriber in self._subscribers.values() for user in subscriber.users}

    def forget(self, user: str) -> None:
        """The user is a member no more."""
        for subscriber in self._subscribers.values():
            subscriber.went(user)

    def who_has(self, users: Iterable[str]) -> Iterable[tuple[Address, tuple[str, ...]]]:
        """The relays where any of these are, and which of them."""
        for subscriber in self._subscribers.values():
            if here := tuple(user for user in users if subscriber.has(user)):
                yield subscriber.relay, here
