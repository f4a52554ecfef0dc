"""The sessions attached to one life of a room, or of a relay, and the numbers by which they know that: pure."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from actors import Address
from server.protocol.entries import Edited, Entry, Left, MessageEntry
from server.protocol.mentions import EVERYBODY
from server.protocol.showing import Shown
from server.rooms.audience import Audience
from server.rooms.effects import InTurn, Unwatch
from server.rooms.messages import Detached, Request

INCARNATION_BITS: Final = 32
"""Attachments are numbered by the incarnation, and within it by how many had ended before: the next one of a session
has a higher number, and all who came since somebody left share one."""

_FIRST_LIFE: Final = 1 << INCARNATION_BITS
"""One object for nearly all there are."""


class Attachments:
    """Who is attached in this life.

    Parameters
    ----------
    incarnation
        Which life it is.

    Attributes
    ----------
    audience
        The attached sessions.
    """

    __slots__ = ("_number", "audience")

    def __init__(self, incarnation: int) -> None:
        self.audience = Audience()
        self._number = _FIRST_LIFE if incarnation == 1 else incarnation << INCARNATION_BITS

    def is_of_this_life(self, request: Request) -> bool:
        """Whether the sender knows of all that an earlier incarnation has left undone."""
        return request.attachment is None or request.attachment >> INCARNATION_BITS == self._number >> INCARNATION_BITS

    @property
    def first_number(self) -> int:
        """Of this life."""
        return self._number >> INCARNATION_BITS << INCARNATION_BITS

    def number(self, session: Address, user: str, shown: Shown | None = None) -> int:
        """Attach, and get the number of that. Attaching again replaces what was before."""
        if self.audience.user_of(session) is not None:
            self._number += 1
        self.audience.attach(session, user, shown)
        return self._number

    def stir(self, entries: Iterable[Entry]) -> None:
        """The log has moved, for those who do not look; whom it mentions is to hear soon."""
        if (passive := self.audience.passive) is None:
            return
        passive.stirs()
        named = {user for entry in entries if isinstance(entry, MessageEntry | Edited) for user in entry.mentions}
        passive.hasten(passive if EVERYBODY in named else self.audience.sessions_of(named))

    def remind(self, session: Address) -> None:
        """It is told soon how the room stands, if it is one that does not look."""
        if (passive := self.audience.passive) is not None:
            passive.hasten((session,))

    def detach(self, session: Address) -> int | None:
        """The session hears nothing more; a number that its attachment does not exceed, and every later one does.

        None: it was not attached.
        """
        if not self.audience.detach(session):
            return None
        number = self._number
        self._number += 1
        return number

    def detach_all_of(self, user: str, left: Left) -> list[InTurn | Unwatch]:
        """The user is no member any more, and its sessions learn so in their turn."""
        effects: list[InTurn | Unwatch] = []
        for session in self.audience.sessions_of((user,)):
            number = self.detach(session)
            if number is not None:
                effects += [InTurn(Detached(left.room, number, left), session), Unwatch(session)]
        return effects
