"""Who listens on other nodes: the relays that are subscribed to a room, and whose users are there.

Pure; relays are opaque keys. There is one of these only where somebody listens from elsewhere. Of a relay it keeps the
names of the users, and nothing of their sessions. A small room has one or two users on a node: an empty set would be
more than all the rest of a subscriber, so it is `Few`. And a room of ten has up to ten subscribers: they stand in a
tuple, and each has its users. Where there are more than `FEW`, they stand in a dictionary, and all users with the
numbers of those they are with in another (`whereabouts.py`): who comes to a room of many nodes is looked for once, and
not in fifty places.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from msgspec import Struct

from actors import Address
from actors.few import Few, added, contains, each, removed
from server.rooms.whereabouts import Whereabouts

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
    users
        Who is with it, while there are few subscribers.
    """

    number: int
    relay: Address
    ref: int
    gone: tuple[str, ...] = ()
    heard: int = 0
    users: Few[str] = None


class Elsewhere:
    """The subscribers of a room, under one epoch.

    `relays` is one tuple, shared by all deliveries until somebody comes or goes.
    """

    __slots__ = ("_places", "_subscribers", "epoch", "relays")

    def __init__(self, epoch: int) -> None:
        self.epoch = epoch
        self.relays: tuple[Address, ...] = ()
        self._subscribers: tuple[Subscriber, ...] | dict[int, Subscriber] = ()  # many by their numbers
        self._places: Whereabouts | None = None  # of the users, where there are many subscribers

    # --- relays -------------------------------------------------------------------------------------------------

    def number_of(self, relay: Address, ref: int) -> int | None:
        """Of the subscription that this `ref` of the relay has, if it has one."""
        return next((one.number for one in self._each() if one.relay is relay and one.ref == ref), None)

    def begin(self, number: int, relay: Address, ref: int) -> None:
        self._keep((*self._each(), Subscriber(number, relay, ref)))

    def end(self, number: int) -> None:
        """Whoever was with it is to be told to have gone before."""
        self._keep(tuple(one for one in self._each() if one.number != number))

    def _keep(self, subscribers: tuple[Subscriber, ...]) -> None:
        """These are all there are now."""
        if len(subscribers) > FEW:
            self._subscribers = {one.number: one for one in subscribers}
            if self._places is None:
                self._gather(subscribers)
        else:
            self._subscribers = subscribers
            if self._places is not None:
                self._spread(self._places)
        self.relays = tuple(one.relay for one in subscribers)

    def _gather(self, subscribers: Iterable[Subscriber]) -> None:
        places = Whereabouts()
        for one in subscribers:
            for user in each(one.users):
                places.put(user, added(places.get(user), one.number))
            one.users = None
        self._places = places

    def _spread(self, places: Whereabouts) -> None:
        self._places = None
        for user, numbers in places.items():
            for number in each(numbers):
                self.came(number, user)

    def _each(self) -> Iterable[Subscriber]:
        return self._subscribers if isinstance(self._subscribers, tuple) else self._subscribers.values()

    def find(self, number: int) -> Subscriber | None:
        """None: it has ended, or it was another life of the room that gave the number."""
        subscribers = self._subscribers
        if isinstance(subscribers, dict):
            return subscribers.get(number)
        for one in subscribers:
            if one.number == number:
                return one
        return None

    def numbers_of(self, relay: Address) -> tuple[int, ...]:
        return tuple([one.number for one in self._each() if one.relay is relay])

    # --- users --------------------------------------------------------------------------------------------------

    def came(self, number: int, user: str) -> None:
        """The user is with the relay that has this subscription; harmless where that is known."""
        if self._places is not None:
            self._places.put(user, added(self._places.get(user), number))
        elif (subscriber := self.find(number)) is not None:
            subscriber.users = added(subscriber.users, user)

    def went(self, number: int, user: str) -> None:
        """Harmless where the user is not there."""
        if self._places is None:
            if (subscriber := self.find(number)) is not None:
                subscriber.users = removed(subscriber.users, user)
        else:
            self._places.put(user, removed(self._places.get(user), number))

    def is_with(self, number: int, user: str) -> bool:
        """Whether the user is with the relay that has this subscription."""
        if self._places is not None:
            return contains(self._places.get(user), number)
        subscriber = self.find(number)
        return subscriber is not None and contains(subscriber.users, user)

    def users_of(self, number: int) -> tuple[str, ...]:
        """Who is with the relay that has this subscription."""
        if self._places is not None:
            return tuple([user for user, numbers in self._places.items() if contains(numbers, number)])
        subscriber = self.find(number)
        return () if subscriber is None else each(subscriber.users)

    def has(self, user: str) -> bool:
        if self._places is not None:
            return user in self._places
        for one in self._each():
            users = one.users
            if users == user or (users.__class__ is not str and contains(users, user)):
                return True
        return False

    def places_of(self, user: str) -> int:
        """With how many relays the user is."""
        return len(self.numbers_with(user))

    def numbers_with(self, user: str) -> list[int]:
        """Of the subscriptions of relays that the user is with."""
        if self._places is not None:
            return [*each(self._places.get(user))]
        return [one.number for one in self._each() if contains(one.users, user)]

    def count(self) -> int:
        """How many users there are."""
        return len(self.users() if self._places is None else self._places)

    def users(self) -> set[str]:
        if self._places is not None:
            return {*self._places}
        return {user for one in self._each() for user in each(one.users)}

    def forget(self, user: str) -> None:
        """The user is a member no more."""
        for number in self.numbers_with(user):
            self.went(number, user)

    def who_has(self, users: Iterable[str]) -> Iterable[tuple[Address, tuple[str, ...]]]:
        """The relays where any of these are, and which of them."""
        there: dict[int, list[str]] = {}
        for user in users:
            for number in self.numbers_with(user):
                there.setdefault(number, []).append(user)
        for one in self._each():
            if (here := there.get(one.number)) is not None:
                yield one.relay, tuple(here)
