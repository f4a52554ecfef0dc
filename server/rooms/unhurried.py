"""What is told to many and nobody waits for: a little at a time, beside everything else. Pure.

How many are online in a room of 100,000 is no reason for anybody's message to be late; told in one go it kept all
processors busy for a second. So each process tells a few, and a few more a moment later (`Easing.unhurried` of them in
a second). It has no place in the order of what the room tells.

What is newer takes its place where it has got to, and goes round: where something newer comes every second, those at
the end would hear nothing if each began anew.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from actors import Address
from server.protocol.events import RoomStats
from server.rooms.effects import FanOut
from server.rooms.fan_out import AT_ONCE
from server.rooms.messages import Passing

PORTION: Final = 32
"""People told at a time."""


def is_unhurried(effect: FanOut) -> bool:
    """Whether nobody waits for it, and it goes to so many that others would have to wait."""
    message = effect.message
    return (
        len(effect.to) > AT_ONCE
        and isinstance(message, Passing)
        and all(isinstance(event, RoomStats) for event in message.events)
    )


class Unhurried:
    """One such message on its way.

    Parameters
    ----------
    fan_out
        All whom it is for. Who has left before its turn comes hears nothing.
    before
        What was on its way, and is old now.
    """

    __slots__ = ("_begun", "_fan_out", "_position")

    def __init__(self, fan_out: FanOut, before: Unhurried | None = None) -> None:
        to = fan_out.to
        self._begun = 0 if before is None else before.place % len(to)
        self._fan_out = FanOut(fan_out.message, to[self._begun :] + to[: self._begun])
        self._position = 0

    def __bool__(self) -> bool:
        return self._position < len(self._fan_out.to)

    @property
    def place(self) -> int:
        """Where it has got to, among all whom it is for."""
        return self._begun + self._position

    def next_portion(self, listens: Callable[[Address], bool]) -> FanOut:
        """The next of them. `listens`: whether somebody is there still."""
        begin, self._position = self._position, self._position + PORTION
        fan_out = self._fan_out
        return FanOut(fan_out.message, tuple(filter(listens, fan_out.to[begin : self._position])))
