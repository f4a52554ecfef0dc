"""The sessions of a room that has, or had, more than a few: by session and by user.

Sessions are opaque keys here. A room has one of these only while its `Audience` cannot do with a tuple.
"""

from __future__ import annotations

from collections.abc import Iterable

from actors import Address
from actors.few import Few, added, removed
from server.rooms.messages import Terms
from server.rooms.passive import PassiveSessions


class Crowd:
    """Nearly everybody has one session there: it stands by itself, without a tuple around it.

    `everyone` is one tuple, shared by all deliveries until somebody comes or goes, or begins to look, or looks away.

    Attributes
    ----------
    passive
        Those who do not look; there is one only while there are any.
    sessions
        By user.
    users
        By session.
    """

    __slots__ = ("_everyone", "passive", "sessions", "users")

    def __init__(self) -> None:
        self._everyone: tuple[Address, ...] | None = None  # to be made
        self.passive: PassiveSessions | None = None
        self.users: dict[Address, str] = {}
        self.sessions: dict[str, Few[Address]] = {}

    def put(self, session: Address, user: str) -> None:
        self._everyone = None
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
        self._everyone = None
        if self.passive is not None:
            self.passive.pop(session)
            if not self.passive:
                self.passive = None

    def looks_away(self, session: Address, terms: Terms, last_seq: int) -> None:
        """It is told `Pulse`. `last_seq`: how far the log goes that others are told."""
        self._everyone = None
        if self.passive is None:
            self.passive = PassiveSessions(terms.every)
        self.passive.put(session, terms, last_seq)

    @property
    def everyone(self) -> tuple[Address, ...]:
        """Who is told every entry."""
        if self._everyone is None:
            passive = self.passive
            lookers = self.users if passive is None else filter(passive.takes_entries, self.users)
            self._everyone = tuple(lookers)
        return self._everyone


def crowd_of(pairs: Iterable[tuple[Address, str]]) -> Crowd:
    crowd = Crowd()
    for session, user in pairs:
        crowd.put(session, user)
    return crowd
