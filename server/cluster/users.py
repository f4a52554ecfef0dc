"""What concerns a user wherever the sessions are: one actor on each node, which tells the others and is told by them.

That is a membership that began now, so that a room shows up on all devices without a reconnect, and a new display name.
Whoever begins it (the room's owner, the session that made the room) tells the users' actor of its own node, that tells
all other nodes, and there the user's sessions are told, which are in the group named by the user's id.

The rules:
- News may be lost between nodes, and the last one leaves no gap to be seen: what was lost is found in the database, by
  `server/accounts/memberships.py` and `chosen.py`. A session that follows the room already ignores what is told twice.
- Nothing is kept for a user without sessions here: the next session reads its rooms from the database.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from msgspec import Struct

from actors import Actor, Address, Mailbox, Overflow
from server.cluster.door import Door
from server.protocol.objects import User
from server.rooms.messages import Added, Chose, Named, News
from server.store.choices import Choice

USERS: Final = "users"
"""The name of this actor on each node."""

MOST_AT_ONCE: Final = 500
"""News in one message to a node: some tens of kilobytes."""

MAILBOX: Final = Mailbox(limit=10_000, overflow=Overflow.DROP_NEWEST)
"""What is dropped is found by the next look."""


class UserAdded(Struct, frozen=True, array_like=True):
    """`user` is a member of `room` from the entry `seq` on."""

    user: str
    room: str
    seq: int


class UsersAdded(Struct, frozen=True, array_like=True):
    """From another node: memberships that began now."""

    added: tuple[UserAdded, ...]


class UserNamed(Struct, frozen=True):
    """From another node: the user is called so from now on. Lost news are made good when they connect anew."""

    user: User


class UserChose(Struct, frozen=True):
    """From another node: what the user has chosen from now on. Lost news are made good by `accounts/chosen.py`."""

    user: str
    choice: Choice


class UsersEnvironment(Struct, frozen=True):
    """What it needs.

    Attributes
    ----------
    door
        Is to lead to it: at it rooms and sessions tell their `News`.
    others
        The actors of its kind on the other nodes, those that live now.
    """

    door: Door
    others: Callable[[], Iterable[Address]]


class Users(Actor):
    """See the top of this file."""

    __slots__ = ("_environment", "_news")

    def __init__(self, environment: UsersEnvironment) -> None:
        self._environment = environment
        self._news: list[UserAdded] = []

    def started(self) -> None:
        self._environment.door.lead_to(self.address)

    def receive(self, message: object) -> None:
        match message:
            case News(user=user, added=added):
                self._news.append(UserAdded(user, added.room, added.seq))
            case UsersAdded(added=news):
                for one in news:
                    self.system.broadcast(one.user, Added(one.room, one.seq))
            case Named(user=user):
                for other in self._environment.others():
                    other.tell(UserNamed(user))
            case Chose(user=one, choice=choice):
                for other in self._environment.others():
                    other.tell(UserChose(one, choice))
            case UserChose(user=one, choice=choice):
                self.system.broadcast(one, Chose(one, choice))
            case UserNamed(user=user):
                self.system.broadcast(user.user, Named(user))
            case _:
                raise TypeError(f"users are not told {type(message).__name__}")

    def settled(self) -> None:
        """Tell the other nodes what several rooms had to say at once."""
        if not self._news:
            return
        news, self._news = self._news, []
        others = list(self._environment.others())
        for first in range(0, len(news), MOST_AT_ONCE):
            part = UsersAdded(tuple(news[first : first + MOST_AT_ONCE]))
            for other in others:
                other.tell(part)
