"""What people do in a chat, and how long they take for it: reading, typing, posting, scrolling back, changing rooms.

Pure: no clock and no I/O, and the same person does the same things in the same order every time. Whoever plays people
(a crowd, a locust user) asks for the next move, waits as long as it says, and makes it, whether or not what was done
before has been answered: people do not read slower because a server does. One person is a few integers, because a
process may have ten thousand of them.

The model: somebody has one room before their eyes, reads for a while, and then reads on, scrolls back, turns to another
of their rooms, or writes something, which takes the longer the more it is. Larger rooms are turned to more often. All
times are exponentially distributed; the means are guesses at people in a lively chat and nobody's measurement, and what
a load test chooses is the pace, not the means.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum
from itertools import accumulate
from typing import Final

LOOK_SECONDS: Final = 8.0  # mean time before somebody does something else than look
SECONDS_A_CHARACTER: Final = 0.2  # 60 words a minute
CHARACTERS: Final = 40  # mean length of a post
MOST_CHARACTERS: Final = 600

READ_ON, SCROLL, TURN, WRITE = 0.45, 0.10, 0.20, 0.25  # how likely each is, after a look; together 1

POSTS_A_SECOND: Final = WRITE / (LOOK_SECONDS + WRITE * SECONDS_A_CHARACTER * CHARACTERS)
"""Of one person at pace 1: one in forty seconds."""

_TYPING: Final = POSTS_A_SECOND * SECONDS_A_CHARACTER * CHARACTERS
"""The share of the time in which somebody types."""

_MASK: Final = (1 << 64) - 1


class Act(Enum):
    """What somebody does."""

    READ = "read"  # says how far they have read
    SCROLL = "scroll"  # asks for what was said before
    TURN = "turn"  # to another room: asks for what is newest, and has read it
    TYPE = "type"  # shows that they are typing
    POST = "post"


@dataclass(frozen=True, slots=True)
class Move:
    """`after`: seconds since the move before it. `room`: which of the person's rooms. `characters`: of a post."""

    after: float
    act: Act
    room: int
    characters: int = 0


class Person:
    """Somebody who chats.

    Parameters
    ----------
    seed, number
        Together they decide everything the person will ever do.
    rooms
        In how many rooms they talk; the first is the largest.
    pace
        How many times as fast as people.
    """

    __slots__ = ("_dice", "_focus", "_pace", "_rooms", "_typing")

    def __init__(self, seed: int, number: int, rooms: int, pace: float = 1.0) -> None:
        self._dice = _mixed((seed * 0x9E3779B97F4A7C15 + number * 0xD1B54A32D192ED03) & _MASK)
        self._rooms = rooms
        self._pace = pace
        self._focus = self._some_room()
        self._typing = 0

    def first_move(self) -> Move:
        """What somebody is about to do who has been here for long already: asked once, before any `next_move`.

        Looks are as long from now on as from their beginning, because they are exponential. Of those who type now most
        write something long, and are somewhere in the middle of it.
        """
        if self._uniform() >= _TYPING:
            return self.next_move()
        characters = self._some_characters() + int(self._exponential(CHARACTERS))
        left = self._uniform() * characters * SECONDS_A_CHARACTER
        return Move(left / self._pace, Act.POST, self._focus, characters)

    def next_move(self) -> Move:
        """What they do next, and when. Never ends."""
        if self._typing:
            characters, self._typing = self._typing, 0
            return Move(characters * SECONDS_A_CHARACTER / self._pace, Act.POST, self._focus, characters)
        after = self._exponential(LOOK_SECONDS) / self._pace
        chance = self._uniform()
        if chance < WRITE:
            self._typing = self._some_characters()
            return Move(after, Act.TYPE, self._focus)
        if chance < WRITE + TURN:
            self._focus = self._some_room()
            return Move(after, Act.TURN, self._focus)
        return Move(after, Act.SCROLL if chance < WRITE + TURN + SCROLL else Act.READ, self._focus)

    def _some_characters(self) -> int:
        return min(1 + int(self._exponential(CHARACTERS)), MOST_CHARACTERS)

    def _some_room(self) -> int:
        weights = _attention(self._rooms)
        chance = self._uniform() * weights[-1]
        return next(room for room, up_to in enumerate(weights) if chance < up_to)

    def _exponential(self, mean: float) -> float:
        return -mean * math.log(1.0 - self._uniform())

    def _uniform(self) -> float:
        """SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014): its state is one
        integer, where `random.Random` keeps 2.5 KB."""
        self._dice = (self._dice + 0x9E3779B97F4A7C15) & _MASK
        return (_mixed(self._dice) >> 11) * 2.0**-53


def _mixed(bits: int) -> int:
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & _MASK
    return bits ^ (bits >> 31)


_weights: Final[dict[int, Sequence[float]]] = {}


def _attention(rooms: int) -> Sequence[float]:
    """Of so many rooms the second gets half as much attention as the first, the third a third; summed up."""
    known = _weights.get(rooms)
    if known is None:
        known = _weights[rooms] = tuple(accumulate(1.0 / place for place in range(1, rooms + 1)))
    return known


def pace_for(posts_a_second: float, people: int) -> float:
    """The pace at which so many people make so many posts a second, all together."""
    return posts_a_second / (people * POSTS_A_SECOND)
