"""Who listens on other nodes: the relays that are subscribed to a room, and whose users are there.

Pure; relays are opaque keys. There is one of these only where somebody listens from elsewhere. Of a relay it keeps the
names of the users, and nothing of their sessions. A small room has one or two users on a node: an empty set would be
more than all the rest of a subscriber, so it is `Few`. And a room of ten has up to ten subscribers: they stand in a
tuple, and in a dictionary where there are more than `FEW`.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from actors import Address
from actors.few import Few, added, contains, each, removed

FEW: Final = 16


class Subscriber(Struct, gc=False):
    """One relay. Out of the collector's sight: it goes with its room, from which the address parts at the end.

    Attributes
    ----------
    number
        Of its subscription.
    ref
        Which of its `Subscribe` this is.
    gone
        Whom it has told of, and who was no member: to be said when it has told of all, and forgotten then.
    heard
        How many commands it has forwarded.
    """

    number: int
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
        self._subscribers: tuple[Subscriber, ...] | dict[int, Subscriber] = ()  # many by their numbers

    def number_of(self, relay: Address, ref: int) -> int | None:
        """Of the subscription that this `ref` of the relay has, if it has one."""
        return next((one.number for one in self._each() if one.relay == relay and one.ref == ref), None)

    def begin(self, number: int, relay: Address, ref: int) -> None:
        self._keep((*self._each(), Subscriber(number, relay, ref)))

    def end(self, number: int) -> None:
        self._keep(tuple(one for one in self._each() if one.number != number))

    def _keep(self, subscribers: tuple[Subscriber, ...]) -> None:
        """These are all there are now."""
        is_few = len(subscribers) <= FEW
        self._subscribers = subscribers if is_few else {one.number: one for one in subscribers}
        self.relays = tuple(one.relay for one in subscribers)

    def _each(self) -> Iterable[Subscriber]:
        return self._subscribers if isinstance(self._subscribers, tuple) else self._subscribers.values()

    def find(self, number: int) -> Subscriber | None:
        """None: it has ended, or it was another life of the room that gave the number."""
        if isinstance(self._subscribers, dict):
            return self._subscribers.get(number)
        return next((one for one in self._subscribers if one.number == number), None)

    def numbers_of(self, relay: Address) -> tuple[int, ...]:
        return tuple(one.number for one in self._each() if one.relay == relay)

    def has(self, user: str) -> bool:
        return any(subscriber.has(user) for subscriber in self._each())

    def places_of(self, user: str) -> int:
        """With how many relays the user is."""
        return sum(subscriber.has(user) for subscriber in self._each())

    def numbers_with(self, user: str) -> list[int]:
        """Of the subscriptions of relays that the user is with."""
        return [subscriber.number for subscriber in self._each() if subscriber.has(user)]

    def users(self) -> set[str]:
        return {user for subscriber in self._each() for user in subscriber.users}

    def forget(self, user: str) -> None:
        """The user is a member no more."""
        for subscriber in self._each():
            subscriber.went(user)

    def who_has(self, users: Iterable[str]) -> Iterable[tuple[Address, tuple[str, ...]]]:
        """The relays where any of these are, and which of them."""
        for subscriber in self._each():
            if here := tuple(user for user in users if subscriber.has(user)):
                yield subscriber.relay, here
