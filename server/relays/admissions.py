"""Who has asked a relay to be attached, and is not answered: pure, with the time passed in.

The rules:
- One question to the owner at a time. Who comes meanwhile waits for the answer, and all of them go with the next one:
  alone it takes no longer, and a crowd costs the owner a message for many.
- Nobody is refused because many wait. Each session is here once, so they are bounded by the sessions of this node; and
  who is refused asks again in a moment, which makes a crowd larger.
- Nobody waits for this at a keyboard, and what was missed is caught up with. So there is patience: with one that has to
  be found first, and with a link that is full. And who was asked for waits as long as it takes: an owner that does not
  answer is busy, and whatever is asked a second time has it answer later.
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
"""So long who attaches waits for an owner to be found. There would be no end to those who wait, if none is."""
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
    asked_at
        When that was put.
    """

    __slots__ = ("_asked", "_parted", "_waiting", "asked_at", "is_held", "ref")

    def __init__(self) -> None:
        self.ref = 0
        self._waiting: dict[Address, _Open] = {}
        self._asked: tuple[_Open, ...] = ()
        self.asked_at = 0.0
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
        self.asked_at = now
        self.ref = ref if self._asked else 0
        self._parted = None
        return self.asked

    @property
    def asked(self) -> tuple[str, ...]:
        """The users of whom the owner was asked, in the order in which it will answer."""
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

    def expire(self, now: float) -> list[Attach]:
        """Who has waited too long for the owner to be asked."""
        late = [one.attach for one in self._waiting.values() if now - one.since >= ATTACH_SECONDS]
        for attach in late:
            del self._waiting[attach.session]
        return late
