"""The sessions of a room that has, or had, more than a few: by session and by user.

Sessions are opaque keys here. A room has one of these only while its `Audience` cannot do with two tuples.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors import Address
from actors.few import Few, added, removed
from server.rooms.passive import PassiveSessions


class Crowd:
    """Nearly everybody has one session there: it stands by itself, without a tuple around it.

    Attributes
    ----------
    passive
        Those who do not look; there is one only while there are any.
    sessions
        By user.
    users
        By session.
    """

    __slots__ = ("passive", "sessions", "users")

    def __init__(self) -> None:
        self.passive: PassiveSessions | None = None
        self.users: dict[Address, str] = {}
        self.sessions: dict[str, Few[Address]] = {}

    def put(self, session: Address, user: str) -> None:
        self.users[session] = user
        self.sessions[user] = added(self.sessions.get(user), session)

    def pop(self, session: Address) -> None:
        self.looks(session)
        user = self.users.pop(session)
        left = removed(self.sessions[user], session)
        if left is None:
            del self.sessions[user]
        else:
            self.sessions[user] = left

    def looks(self, session: Address) -> None:
        """It wants all entries, and nothing else; or is about to go."""
        if self.passive is not None:
            self.passive.pop(session)
            if not self.passive:
                self.passive = None

    def lookers(self) -> tuple[Address, ...]:
        """Who is told every entry."""
        passive = self.passive
        return tuple(self.users) if passive is None else tuple(filter(passive.takes_entries, self.users))


def crowd_of(pairs: Iterable[tuple[Address, str]]) -> Crowd:
    crowd = Crowd()
    for session, user in pairs:
        crowd.put(session, user)
    return crowd
