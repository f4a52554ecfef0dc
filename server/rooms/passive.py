"""Sessions that are not looking at a room, and hear now and then how far it went instead of every entry: pure.

What each of them is told are numbers of its own, which it counts itself from one `Tally` for all. When the log moves, a
*round* begins: the tally is read once, and told to all in as many portions as the round has seconds, so that thousands
do not hear at once, and posts go out between two portions. The next round begins when that one is over, if the log has
moved since the tally was asked for; so in the end everybody has heard how it stands at rest. Whoever is *due* need not
wait for a round: they are told with the next beat, a second later at the most.

Nothing of it is stored. Who attaches says what it has heard, and is due if that is not all.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from math import ceil
from typing import Final

from actors import Address
from server.rooms.messages import Pulse, Terms
from server.store.tally import Tally

PATIENCE_SECONDS: Final = 5.0  # a question without an answer for so long was lost with the reader that had it

MOST_IN_A_PORTION: Final = 500
"""So a round of thousands takes longer: of 9,000 who do not look 18 s. To be told costs twice what an entry does, and
with as many as that in a second a room of 10,000, of whom a tenth look, takes a fifth of one that all look at from two
posts a second on (tests/bench/gateway/passive.py)."""

Told = tuple[Pulse, tuple[Address, ...]]


class PassiveSessions:
    """Those of one room, or relay.

    Parameters
    ----------
    every
        Seconds that a round takes at the least: nobody hears more often, unless something is due.
    """

    __slots__ = (
        "_asked_at", "_audience", "_due", "_every", "_is_round", "_live", "_next_at", "_portion", "_pulse", "_ref",
        "_sessions", "_stirred", "_waiting",
    )  # fmt: skip

    def __init__(self, every: float) -> None:
        self._every = every
        self._sessions: dict[Address, None] = {}
        self._live: set[Address] = set()
        self._due: dict[Address, None] = {}
        self._stirred = False
        self._next_at = 0.0
        self._ref: int | None = None
        self._asked_at = 0.0
        self._audience: tuple[Address, ...] = ()
        self._is_round = False
        self._waiting: tuple[Address, ...] = ()
        self._portion = 0
        self._pulse: Pulse | None = None

    def __bool__(self) -> bool:
        return bool(self._sessions)

    def __iter__(self) -> Iterator[Address]:
        return iter(tuple(self._sessions))

    def takes_entries(self, session: Address) -> bool:
        """Whether it gets every entry: it is none of these, or one that has other connections which look."""
        return session not in self._sessions or session in self._live

    # --- who --------------------------------------------------------------------------------------------------

    def put(self, session: Address, terms: Terms, last_seq: int) -> None:
        """`last_seq`: of the room. Who has not heard of all is due."""
        self._sessions[session] = None
        if terms.live:
            self._live.add(session)
        else:
            self._live.discard(session)
        if terms.heard < last_seq:
            self._due[session] = None

    def pop(self, session: Address) -> None:
        """Harmless where it is none of these."""
        self._sessions.pop(session, None)
        self._live.discard(session)
        self._due.pop(session, None)

    # --- what there is to tell --------------------------------------------------------------------------------

    def stirs(self) -> None:
        """The log has moved."""
        self._stirred = True

    def hasten(self, sessions: Iterable[Address]) -> None:
        """These are to hear soon how it stands."""
        self._due.update((session, None) for session in sessions if session in self._sessions)

    @property
    def is_restless(self) -> bool:
        """Whether there is anything to do for the next beat."""
        return self._stirred or bool(self._due) or bool(self._waiting) or self._ref is not None

    def asks(self, ref: int, now: float) -> bool:
        """Whether the tally is to be read now, with this reference."""
        if self._ref is not None:
            if now - self._asked_at < PATIENCE_SECONDS:
                return False
            self.failed(self._ref)
        is_round = self._stirred and not self._waiting and now >= self._next_at
        if not is_round and not self._due:
            return False
        self._ref, self._asked_at, self._is_round = ref, now, is_round
        self._audience = tuple(self._sessions if is_round else self._due)
        self._due = {}
        if is_round:
            self._stirred, self._next_at = False, now + self._every
        return True

    def answered(self, ref: int, tally: Tally) -> Told | None:
        """The tally was read; to whom it is told now."""
        if ref != self._ref:
            return None
        self._ref = None
        audience, self._audience = self._audience, ()
        pulse = Pulse(tally.room, tally)
        if not self._is_round:
            return pulse, audience
        self._pulse, self._waiting = pulse, audience
        self._portion = min(MOST_IN_A_PORTION, ceil(len(audience) / max(1.0, self._every)))
        return self.next_portion()

    def failed(self, ref: int) -> None:
        """It could not be read: those it was for are due."""
        if ref == self._ref:
            self._ref = None
            self.hasten(self._audience)
            self._audience = ()

    def next_portion(self) -> Told | None:
        """Who is told next in this round."""
        pulse, told = self._pulse, self._waiting[: self._portion]
        if pulse is None or not told:
            return None
        self._waiting = self._waiting[self._portion :]
        if not self._waiting:
            self._pulse = None
        return pulse, told
