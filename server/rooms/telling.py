"""An actor that tells many the same thing: what must be told in order is, and a slice at a time where it is much.

A fan-out tells at most `SLICE` receivers at a time, and the rest of it waits in the actor's own mailbox, so that other
actors have their turn, and goes on when `easing.py` says so. Rooms do it, and the relays that stand for them on other
nodes. While it waits nobody else does: what is told to few goes out at once. What nobody waits for goes out beside all
that (`unhurried.py`).
"""

from __future__ import annotations

from typing import Final

import trio
from msgspec import Struct

from actors import Actor, Address
from server.metrics.counts import RoomCounts
from server.rooms.easing import Easing
from server.rooms.effects import FanOut, InTurn
from server.rooms.fan_out import AT_ONCE, SLICE, FanOutQueue, Ordered
from server.rooms.unhurried import PORTION, Unhurried, is_unhurried


class NextSlice(Struct, frozen=True):
    """To itself: go on with the fan-out."""


NEXT_SLICE: Final = NextSlice()


class NextPortion(Struct, frozen=True):
    """To itself: go on with what nobody waits for."""


NEXT_PORTION: Final = NextPortion()


class _GoingOut(FanOutQueue):
    """And with which reason its actor stops then, if it is to."""

    __slots__ = ("stops_with",)

    def __init__(self) -> None:
        super().__init__()
        self.stops_with: object = None


class Telling(Actor):
    """See the top of this file."""

    __slots__ = ("_going_out", "_unhurried")

    def __init__(self) -> None:
        self._going_out: _GoingOut | None = None  # there is one only while something waits in it
        self._unhurried: Unhurried | None = None  # likewise

    @property
    def _counts(self) -> RoomCounts:
        """Where fan-outs are counted."""
        raise NotImplementedError

    @property
    def _easing(self) -> Easing:
        """Says when a large fan-out may go on."""
        raise NotImplementedError

    def _listens(self, session: Address) -> bool:
        """Whether this session is attached."""
        raise NotImplementedError

    def _stop_when_told(self, reason: object) -> None:
        """End in order, behind all that is going out."""
        if self._going_out is None:
            self.stop(reason)
        else:
            self._going_out.stops_with = reason

    def _tell_in_order(self, effect: Ordered) -> None:
        """At once where that is possible: most rooms are small, and nothing is going out."""
        if isinstance(effect, FanOut) and is_unhurried(effect):
            self._begin_unhurried(effect)
        elif self._going_out is not None:
            self._going_out.add(effect)
        elif isinstance(effect, FanOut) and len(effect.to) > AT_ONCE:
            self._going_out = _GoingOut()
            self._going_out.add(effect)
            self._fan_out_slice(self._going_out)
        else:
            self._tell(effect)

    def _tell_next_slice(self) -> None:
        if self._going_out is not None:
            self._fan_out_slice(self._going_out)

    def _fan_out_slice(self, queue: _GoingOut) -> None:
        wait = self._easing.wait(SLICE, trio.current_time())
        if wait:
            self._counts.pauses += 1
            self.send_after(wait, NEXT_SLICE)
            return
        for part in queue.next_slice():
            self._tell(part)
        if queue:
            self.address.answer(NEXT_SLICE)
            return
        self._going_out = None
        if queue.stops_with is not None:
            self.stop(queue.stops_with)

    def _begin_unhurried(self, effect: FanOut) -> None:
        before = self._unhurried
        self._unhurried = Unhurried(effect, before)
        if before is None:
            self._tell_next_portion()

    def _tell_next_portion(self) -> None:
        if self._unhurried is None:
            return
        self._tell(self._unhurried.next_portion(self._listens))
        if self._unhurried:
            self.send_after(PORTION / self._easing.unhurried, NEXT_PORTION)
        else:
            self._unhurried = None

    def _tell(self, effect: Ordered) -> None:
        match effect:
            case FanOut(message=message, to=to):
                counts = self._counts
                counts.fan_outs += 1
                counts.deliveries += len(to)
                for session in to:
                    session.tell(message)
            case InTurn(message=answer, to=asker):
                asker.answer(answer)
            case _:
                self.system.broadcast(effect.user, effect.message)
