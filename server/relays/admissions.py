"""Who has asked a relay to be attached, and is not answered: pure, with the time passed in.

The rules:
- One question to the owner at a time. Who comes meanwhile waits for the answer, and all of them go with the next one:
  alone it takes no longer, and a crowd costs the owner a message for many.
- Nobody is refused because many wait. Each session is here once, so they are bounded by the sessions of this node; and
  who is refused asks again in a moment, which makes a crowd larger.
- Nobody waits for this at a keyboard, and what was missed is caught up with. So there is patience: with an owner that
  is busy, with one that has to be found first, and with a link that is full.
"""

from __future__ import annotations

from collections.abc import Collection
from itertools import islice
from typing import Final

from msgspec import Struct

from actors import Address
from server.protocol.showing import PLAIN
from server.rooms.appearances import Said
from server.rooms.messages import Attach

ATTACH_SECONDS: Final = 60.0
"""To ask again and again while the owner is busy with a crowd would make that crowd larger."""
USERS_AT_ONCE: Final = 2_000  # names in one message: less than 64 KiB of them


class _Open(Struct, frozen=True):
    attach: Attach
    since: float


class Admissions:
    """Those that wait, and those of whom the owner was asked.

    Attributes
    ----------
    is_held
        The link took no question: none is put until `release`.
    ref
        Of the question that the owner has; 0: it has none.
    """

    __slots__ = ("_asked", "_asked_at", "_parted", "_waiting", "is_held", "ref")

    def __init__(self) -> None:
        self.ref = 0
        self._waiting: dict[Address, _Open] = {}
        self._asked: tuple[_Open, ...] = ()
        self._asked_at = 0.0
        self.is_held = False
        self._parted: set[str] | None = None  # mostly nobody parts while the owner is asked

    def __bool__(self) -> bool:
        return bool(self._waiting or self._asked)

    @property
    def may_be_asked(self) -> bool:
        """Whether there is somebody to ask for, and no reason to wait with that."""
        return bool(self._waiting) and not self.ref and not self.is_held

    def wait(self, attach: Attach, now: float) -> None:
        """A session that asks again is answered once, for what it asked last."""
        self._waiting[attach.session] = _Open(attach, now)

    # --- asking -----------------------------------------------------------------------------------------------

    def ask(self, ref: int, now: float, most: int = USERS_AT_ONCE) -> tuple[str, ...]:
        """The users of whom the owner is asked now: those who have waited longest."""
        longest_waiting = list(islice(self._waiting, most))
        self._asked = tuple(self._waiting.pop(session) for session in longest_waiting)
        self._asked_at = now
        self.ref = ref if self._asked else 0
        self._parted = None
        return tuple(one.attach.user for one in self._asked)

    def said_of_asked(self) -> Said:
        """How those look of whom the owner is asked, where they do not just look online."""
        return tuple(
            (one.attach.user, one.attach.shown) for one in self._asked if one.attach.shown not in (None, PLAIN)
        )

    def answered(self) -> list[Attach]:
        """Who was asked for, in that order: that is answered now."""
        asked, self._asked, self.ref = self._asked, (), 0
        return [one.attach for one in asked]

    def ask_again(self) -> None:
        """There will be no answer: those it was for wait again, before those who came later."""
        asked = {one.attach.session: one for one in self._asked}
        self._asked, self.ref = (), 0
        self._waiting = asked | self._waiting

    def hold(self) -> None:
        """The link took no question."""
        self.ask_again()
        self.is_held = True

    def release(self) -> None:
        self.is_held = False

    # --- who is there -----------------------------------------------------------------------------------------

    def told(self, came: Collection[str], went: Collection[str]) -> None:
        """The owner was told who is there and who is not: behind its question, and ahead of its answer."""
        if went:
            self._parted = self._parted or set()
            self._parted.update(went)
        if self._parted is not None:
            self._parted.difference_update(came)

    def has_parted(self, user: str) -> bool:
        """Whether the owner was told so since it was asked."""
        return self._parted is not None and user in self._parted

    # --- ends -------------------------------------------------------------------------------------------------

    def take_all(self) -> list[Attach]:
        """There is nothing to wait for."""
        self.ask_again()
        waiting, self._waiting = self._waiting, {}
        return [one.attach for one in waiting.values()]

    def expire(self, now: float) -> tuple[list[Attach], list[str]]:
        """Who has waited too long; and of those the users for whom the owner was asked: it may count them as there."""
        late = [one.attach for one in self._waiting.values() if now - one.since >= ATTACH_SECONDS]
        for attach in late:
            del self._waiting[attach.session]
        unanswered = self.answered() if self.ref and now - self._asked_at >= ATTACH_SECONDS else []
        return [*unanswered, *late], [attach.user for attach in unanswered]
