"""Who is listening: the sessions attached to a room, and which people are there by them.

Sessions are opaque keys here. Told to others is only a change that has lasted until somebody looks (once a second):
whoever reloads a page does not flicker, and a crowd that comes at once is announced in one go.

There is one of these for every open room, and nearly everybody has one session there: it stands by itself, without a
tuple around it. What is to be told lies in a dictionary that is there only while there is something to tell.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import Struct

from actors import Address
from actors.few import Few, added, each, removed
from server.protocol.events import Presence


class Attachment(Struct, frozen=True, gc=False):
    user: str
    number: int


class Audience:
    """The attached sessions of a room.

    `everyone` is one tuple, shared by all deliveries until somebody comes or goes.
    """

    __slots__ = ("_attachments", "_everyone", "_sessions", "_were_here")

    def __init__(self) -> None:
        self._attachments: dict[Address, Attachment] = {}
        self._sessions: dict[str, Few[Address]] = {}
        self._everyone: tuple[Address, ...] | None = None
        self._were_here: dict[str, bool] | None = None  # when `news` was asked for last; of those who moved since

    def __len__(self) -> int:
        return len(self._attachments)

    @property
    def everyone(self) -> tuple[Address, ...]:
        if self._everyone is None:
            self._everyone = tuple(self._attachments)
        return self._everyone

    @property
    def has_news(self) -> bool:
        return self._were_here is not None

    def attach(self, session: Address, user: str, number: int) -> None:
        """Attaching again replaces the earlier attachment."""
        if session not in self._attachments:
            self._everyone = None
            before = self._sessions.get(user)
            if before is None:
                self._moves(user, was_here=False)
            self._sessions[user] = added(before, session)
        self._attachments[session] = Attachment(user, number)

    def detach(self, session: Address) -> Attachment | None:
        attachment = self._attachments.pop(session, None)
        if attachment is None:
            return None
        self._everyone = None
        user = attachment.user
        left = removed(self._sessions[user], session)
        if left is None:
            del self._sessions[user]
            self._moves(user, was_here=True)
        else:
            self._sessions[user] = left
        return attachment

    def attachment(self, session: Address) -> Attachment | None:
        return self._attachments.get(session)

    def users(self) -> Iterable[str]:
        return self._sessions.keys()

    def is_here(self, user: str) -> bool:
        return user in self._sessions

    def sessions_of(self, users: Iterable[str]) -> tuple[Address, ...]:
        return tuple(session for user in users for session in each(self._sessions.get(user)))

    def without(self, user: str) -> tuple[Address, ...]:
        """Everyone but this user's own sessions."""
        own = each(self._sessions.get(user))
        return tuple(session for session in self.everyone if session not in own)

    def news(self) -> list[Presence]:
        """Who came and who went since this was last asked for.

        Going is told even of those whose coming was not: who asked for the members meanwhile has seen them.
        """
        moved, self._were_here = self._were_here or {}, None
        came = [user for user in sorted(moved) if self.is_here(user) and not moved[user]]
        went = [user for user in sorted(moved) if not self.is_here(user)]
        return [
            *(Presence(user=user, status="online") for user in came),
            *(Presence(user=user, status="offline") for user in went),
        ]

    def no_news(self) -> None:
        """Forget what was to be announced: the room is too large for it."""
        self._were_here = None

    def _moves(self, user: str, *, was_here: bool) -> None:
        if self._were_here is None:
            self._were_here = {}
        self._were_here.setdefault(user, was_here)
