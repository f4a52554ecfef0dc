"""The language of `--rooms`: which rooms there are, and who is in them.

A plan is one part or several, joined by commas:

- `all`: one room with everybody.
- `each:SIZE`: as many rooms of at most SIZE as there must be, as even as can be; everybody in exactly one.
- `rooms:COUNTxSIZE`: so many rooms of that size; people may be in several of them, or in none.
- `zipf:ROOMS[:EXPONENT[:EACH]]`: so many rooms, the n-th as large as 1/n**EXPONENT of the first (by default 1.0);
  everybody in EACH of them (by default 5) on the average. Alone, or beside `all`.

The rule: nothing is kept for a person or a room. People stand in a circle by their numbers, and the rooms of a part
take one stretch of it after the other, as many times around as it needs; so who is where is a division away, for
millions as for three. Only the sizes of `zipf` have no formula for their sums, and are kept: 8 bytes a room.

Neighbours are together on purpose. Whoever shares the people out takes every P-th of them, so members of a room come
out of different processes, and the first half of the people are the whole of half of the rooms. What this leaves out
is chance: two people of `zipf` who share a small room are likely to share another.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_right
from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import Final, Protocol

from server.protocol.limits import RESUME_ROOMS

PEOPLE_AT_MOST: Final = 10_000_000
"""What ids have room for (`people.py`), and more than fits any machine this was made for."""

ROOMS_AT_MOST: Final = 10_000_000
ZIPF_ROOMS_AT_MOST: Final = 100_000
"""Their sizes are computed one by one when a plan is read: 0.1 s for so many."""

_ALL: Final = "all"
_EACH: Final = re.compile(r"each:([0-9]{1,9})")
_ROOMS: Final = re.compile(r"rooms:([0-9]{1,9})x([0-9]{1,9})")
_ZIPF: Final = re.compile(r"zipf:([0-9]{1,9})(?::([0-9]{1,2}(?:\.[0-9]{1,6})?)(?::([0-9]{1,4}(?:\.[0-9]{1,6})?))?)?")
_EXPONENT: Final = 1.0  # Zipf's own; sizes of groups people choose freely are found near it
_EACH_ON_AVERAGE: Final = 5.0
_STEEPEST: Final = 4.0
_HALVINGS: Final = 60  # more than a float's digits


class BadPlan(ValueError):
    """One line that says what is wrong with a plan, or that it does not fit so many people."""


class Stretches(Protocol):
    """How the places of a part, around the circle as often as it goes, are cut into rooms; the largest first."""

    @property
    def places(self) -> int: ...

    @property
    def rooms(self) -> int: ...

    def start(self, room: int, /) -> int:
        """The first place of a room; for one past the last, `places`."""
        ...

    def room_at(self, place: int, /) -> int: ...


class Even:
    """Rooms of one size, or of two that differ by one."""

    __slots__ = ("places", "rooms")

    def __init__(self, places: int, rooms: int) -> None:
        self.places: Final = places
        self.rooms: Final = rooms

    def start(self, room: int) -> int:
        return room * self.places // self.rooms

    def room_at(self, place: int) -> int:
        return ((place + 1) * self.rooms - 1) // self.places


class Uneven:
    """Rooms of the given sizes."""

    __slots__ = ("_starts", "places", "rooms")

    def __init__(self, sizes: Sequence[int]) -> None:
        self._starts: Final = array("q", accumulate(sizes, initial=0))
        self.places: Final = self._starts[-1]
        self.rooms: Final = len(sizes)

    def start(self, room: int) -> int:
        return self._starts[room]

    def room_at(self, place: int) -> int:
        return bisect_right(self._starts, place) - 1


class Plan:
    """A plan for so many people. Rooms are numbered from 0 on, through all parts, those with larger rooms first.

    Parameters
    ----------
    text
        In the language above.
    people
        How many there are.

    Attributes
    ----------
    rooms
        How many there are.
    most_rooms
        In how many somebody is, at most.

    Raises
    ------
    BadPlan
    """

    __slots__ = ("_parts", "most_rooms", "people", "rooms", "text")

    def __init__(self, text: str, people: int) -> None:
        if not 1 <= people <= PEOPLE_AT_MOST:
            raise BadPlan(f"there can be 1 to {PEOPLE_AT_MOST:,} people, not {people:,}")
        parts = sorted(_parts(text, people), key=_largest, reverse=True)
        firsts = accumulate((part.rooms for part in parts), initial=0)
        self.text: Final = text
        self.people: Final = people
        self._parts: Final = tuple(zip(firsts, parts, strict=False))
        self.rooms: Final = sum(part.rooms for part in parts)
        self.most_rooms: Final = sum(-(-part.places // people) for part in parts)
        if self.rooms > ROOMS_AT_MOST:
            raise BadPlan(f"`{text}` makes {self.rooms:,} rooms, more than {ROOMS_AT_MOST:,}")
        if self.most_rooms > RESUME_ROOMS:
            raise BadPlan(f"`{text}` puts people into {self.most_rooms:,} rooms each, more than {RESUME_ROOMS}")

    def rooms_of(self, number: int) -> tuple[int, ...]:
        """Ascending; the first is the largest, or one less where two parts are of the same size."""
        return tuple(
            first + part.room_at(place)
            for first, part in self._parts
            for place in range(number, part.places, self.people)
        )

    def members_of(self, room: int) -> Sequence[int]:
        """Ascending: a range, unless the room reaches around the circle's end."""
        first, part = self._part_of(room)
        start, end = part.start(room - first), part.start(room - first + 1)
        lap = start // self.people * self.people
        if end - lap <= self.people:
            return range(start - lap, end - lap)
        return (*range(end - lap - self.people), *range(start - lap, self.people))

    def size_of(self, room: int) -> int:
        first, part = self._part_of(room)
        return part.start(room - first + 1) - part.start(room - first)

    def _part_of(self, room: int) -> tuple[int, Stretches]:
        if not 0 <= room < self.rooms:
            raise IndexError(f"there is no room {room}")
        return next(found for found in reversed(self._parts) if found[0] <= room)


def _parts(text: str, people: int) -> list[Stretches]:
    words = text.split(",")
    if len(set(words)) < len(words):
        raise BadPlan(f"`{text}` says something twice")
    if any(word.startswith("zipf") for word in words) and len(set(words) - {_ALL}) > 1:
        raise BadPlan(f"`{text}`: `zipf` stands alone, or beside `all`")
    return [_part(word, people) for word in words]


def _part(word: str, people: int) -> Stretches:
    if word == _ALL:
        return Even(people, 1)
    if each := _EACH.fullmatch(word):
        return _each(word, int(each[1]), people)
    if rooms := _ROOMS.fullmatch(word):
        return _so_many(word, int(rooms[1]), int(rooms[2]), people)
    if zipf := _ZIPF.fullmatch(word):
        exponent, average = float(zipf[2] or _EXPONENT), float(zipf[3] or _EACH_ON_AVERAGE)
        return _zipf(word, int(zipf[1]), exponent, average, people)
    raise BadPlan(
        f"`{word}` is no part of a plan: there are all, each:SIZE, rooms:COUNTxSIZE and zipf:ROOMS[:EXPONENT[:EACH]], "
        "joined by commas"
    )


def _each(word: str, size: int, people: int) -> Stretches:
    if not size:
        raise BadPlan(f"`{word}` lets nobody in")
    return Even(people, -(-people // size))


def _so_many(word: str, count: int, size: int, people: int) -> Stretches:
    if not 1 <= size <= people:
        raise BadPlan(f"`{word}`: a room may have 1 to {people:,} of so many people")
    if count < 1:
        raise BadPlan(f"`{word}` makes no room")
    return Even(count * size, count)


def _zipf(word: str, rooms: int, exponent: float, average: float, people: int) -> Stretches:
    if not 1 <= rooms <= ZIPF_ROOMS_AT_MOST:
        raise BadPlan(f"`{word}`: there can be 1 to {ZIPF_ROOMS_AT_MOST:,} rooms of such sizes")
    if exponent > _STEEPEST:
        raise BadPlan(f"`{word}`: the exponent may be 0 to {_STEEPEST:g}")
    if not rooms <= average * people <= rooms * people:
        raise BadPlan(f"`{word}`: {people:,} people cannot fill {rooms:,} rooms by being in {average:g} each")
    return Uneven(zipf_sizes(rooms, exponent, round(average * people), people))


def zipf_sizes(rooms: int, exponent: float, places: int, largest: int) -> list[int]:
    """Sizes proportional to 1/n**exponent, but for those that would be above `largest` or below 1.

    Parameters
    ----------
    places
        Their sum, which is met to one in a thousand, or to one a room where rooms are that small.
    """
    weights: list[float] = [n**-exponent for n in range(1, rooms + 1)]
    low, high = 0.0, float(largest) / weights[-1]
    sums = list(accumulate(weights, initial=0.0))

    def total(factor: float) -> float:
        """Weights descend, so those that are cut off above are the first, and those below the last."""
        above = bisect_right(weights, -largest / factor, key=_negative)
        below = bisect_right(weights, -1 / factor, key=_negative)
        return largest * above + factor * (sums[below] - sums[above]) + (rooms - below)

    factor = _where(total, places, low, high)
    return [min(largest, max(1, round(factor * weight))) for weight in weights]


def _where(rising: Callable[[float], float], wanted: float, low: float, high: float) -> float:
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if rising(middle) > wanted else (middle, high)
    return high


def _negative(number: float) -> float:
    return -number


def _largest(part: Stretches) -> int:
    return part.start(1)
