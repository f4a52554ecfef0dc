"""Who is listening: the sessions attached to a room, and which people are there by them.

Sessions are opaque keys here. Told to others is only a change that has lasted until somebody looks (once a second):
whoever reloads a page does not flicker, and a crowd that comes at once is announced in one go.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from actors import Address
from server.protocol.events import Presence


class Attachment(Struct, frozen=True, gc=False):
    user: str
    number: int


class Audience:
    """The attached sessions of a room.

    `everyone` is one tuple, shared by all deliveries until somebody comes or goes.
    """

    __slots__ = ("_announced", "_attachments", "_everyone", "_sessions", "_unannounced")

    def __init__(self) -> None:
        self._attachments: dict[Address, Attachment] = {}
        self._sessions: dict[str, tuple[Address, ...]] = {}
        self._everyone: tuple[Address, ...] | None = None
        self._announced: set[str] = set()
        self._unannounced: set[str] = set()

    def __len__(self) -> int:
        return len(self._attachments)

    @property
    def everyone(self) -> tuple[Address, ...]:
        if self._everyone is None:
            self._everyone = tuple(self._attachments)
        return self._everyone

    @property
    def has_news(self) -> bool:
        return bool(self._unannounced)

    def attach(self, session: Address, user: str, number: int) -> None:
        """Attaching again replaces the earlier attachment."""
        if session not in self._attachments:
            self._everyone = None
            self._sessions[user] = (*self._sessions.get(user, ()), session)
            self._unannounced.add(user)
        self._attachments[session] = Attachment(user, number)

    def detach(self, session: Address) -> Attachment | None:
        attachment = self._attachments.pop(session, None)
        if attachment is None:
            return None
        self._everyone = None
        left = tuple(other for other in self._sessions[attachment.user] if other is not session)
        if left:
            self._sessions[attachment.user] = left
        else:
            del self._sessions[attachment.user]
            self._unannounced.add(attachment.user)
        return attachment

    def attachment(self, session: Address) -> Attachment | None:
        return self._attachments.get(session)

    def users(self) -> Iterable[str]:
        return self._sessions.keys()

    def is_here(self, user: str) -> bool:
        return user in self._sessions

    def sessions_of(self, users: Iterable[str]) -> tuple[Address, ...]:
        return tuple(session for user in users for session in self._sessions.get(user, ()))

    def without(self, user: str) -> tuple[Address, ...]:
        """Everyone but this user's own sessions."""
        own = self._sessions.get(user, ())
        return tuple(session for session in self.everyone if session not in own)

    def news(self) -> list[Presence]:
        """Who came and who went since this was last asked for.

        Going is told even of those whose coming was not: who asked for the members meanwhile has seen them.
        """
        changed = sorted(self._unannounced)
        self._unannounced.clear()
        came = [user for user in changed if self.is_here(user) and user not in self._announced]
        went = [user for user in changed if not self.is_here(user)]
        self._announced.difference_update(went)
        self._announced.update(came)
        return [
            *(Presence(user=user, status="online") for user in came),
            *(Presence(user=user, status="offline") for user in went),
        ]

    def no_news(self) -> None:
        """Forget what was to be announced: the room is too large for it."""
        self._unannounced.clear()
        self._announced.clear()
