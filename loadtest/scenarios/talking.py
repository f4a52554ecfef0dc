"""People who talk, of one process: each makes the moves of `behaviour.py` when they are due.

The load is an open one: nobody waits for an answer before the next move, so a slow server is not asked for less. When
a move is made later than planned, for want of time in this process, that is recorded: a latency measured while people
were late is one of the harness.
"""

from __future__ import annotations

import heapq
import math
import time
from bisect import bisect_left
from collections.abc import Callable, Sequence
from typing import Final

from loadtest.behaviour import POSTS_A_SECOND, Act, Move, Person, pace_for
from loadtest.crowd.crowd import Crowd
from loadtest.histogram import Histogram
from loadtest.people import People
from server.protocol.attention_commands import Read, Typing
from server.protocol.page_commands import History

LARGEST_ROOM: Final = 1_000
"""Members. Larger rooms are listened to: no room in which fifty thousand people talk is one that people are in."""

_PAGE: Final = 50  # messages; what a client shows at first
_MOST_AT_ONCE: Final = 64  # moves, before sockets are read again
_FILLING: Final = "and so on, as people say; "


def before(members: Sequence[int], number: int) -> Sequence[int]:
    """Those of a room, ascending, who come before `number`: without a look at each, where they are a range."""
    if isinstance(members, range):
        return members[: bisect_left(members, number)]
    return [member for member in members if member < number]


def in_common(mine: Sequence[int], members: Sequence[int]) -> int:
    """How many numbers are in both; counted without a look at each where both are ranges and the second has no gaps."""
    if isinstance(mine, range) and isinstance(members, range) and mine.step > 0 and members.step == 1:
        return bisect_left(mine, members.stop) - bisect_left(mine, members.start)
    return sum(number in mine for number in members)


class Rooms:
    """Which of their rooms people talk in, and how many of whom are in one; found out once for each room."""

    def __init__(self, people: People, mine: Sequence[int]) -> None:
        self._people = people
        self._mine = mine
        self._sizes: dict[int, int] = {}
        self._of_mine: dict[int, int] = {}

    def talked_in(self, number: int) -> list[int]:
        """Those of somebody's rooms that are not too large; the smallest one, if all are."""
        rooms = self._people.rooms_of(number)
        return [room for room in rooms if self._size(room) <= LARGEST_ROOM] or list(rooms[-1:])

    def of_mine(self, room: int, below: int | None = None) -> int:
        """How many of this process' people are in a room; with `below`, of those who come before that number."""
        if below is not None:
            return in_common(self._mine, before(self._people.members_of(room), below))
        found = self._of_mine.get(room)
        if found is None:
            found = self._of_mine[room] = in_common(self._mine, self._people.members_of(room))
        return found

    def _size(self, room: int) -> int:
        found = self._sizes.get(room)
        if found is None:
            found = self._sizes[room] = len(self._people.members_of(room))
        return found


def as_many_as_talk(talkers: Sequence[int], posts_a_second: float) -> Sequence[int]:
    """Of those who might, as many as make so many posts at the pace of people, in even distances: the others have
    nothing to say. Each who talks takes a kilobyte, and a million are not needed for fifty posts a second."""
    most = max(1, math.ceil(posts_a_second / POSTS_A_SECOND))
    return talkers[:: max(1, len(talkers) // most)]


class Talk:
    """All who talk, from now until `stop`.

    Parameters
    ----------
    talkers
        By number: who may talk.
    posts_a_second
        Of all of them together.
    label
        What their posts' marks carry.
    late
        Where it is recorded how late a move was.
    """

    def __init__(
        self, crowd: Crowd, people: People, rooms: Rooms, talkers: Sequence[int], seed: int, posts_a_second: float,
        label: str, late: Callable[[], Histogram],
    ) -> None:  # fmt: skip
        self._crowd = crowd
        self._people = people
        self._rooms = rooms
        self._label = label
        self._late = late
        self._going = True
        talkers = as_many_as_talk(talkers, posts_a_second)
        pace = pace_for(posts_a_second, len(talkers))
        now = time.monotonic()
        self._waiting: list[tuple[float, int, Move]] = []
        self._persons: dict[int, tuple[Person, list[int]]] = {}
        for number in talkers:
            talked_in = rooms.talked_in(number)
            if talked_in:
                person = Person(seed, number, len(talked_in), pace)
                self._persons[number] = person, talked_in
                move = person.first_move()
                self._waiting.append((now + move.after, number, move))
        heapq.heapify(self._waiting)
        self._go_on()

    def stop(self) -> None:
        self._going = False

    def _go_on(self) -> None:
        if not self._going or not self._waiting:
            return
        late = self._late()
        for _ in range(_MOST_AT_ONCE):
            due, number, move = self._waiting[0]
            now = time.monotonic()
            if due > now:
                break
            late.record_seconds(now - due)
            person, talked_in = self._persons[number]
            self._make(number, talked_in[move.room], move)
            following = person.next_move()
            heapq.heapreplace(self._waiting, (due + following.after, number, following))
        self._crowd.later(max(0.0, self._waiting[0][0] - time.monotonic()), self._go_on)

    def _make(self, number: int, room: int, move: Move) -> None:
        """Nobody who is away does anything; what they would have done is not made up for."""
        if not self._crowd.is_ready(number):
            return
        if move.act is Act.POST:
            self._crowd.post(number, room, filling(move.characters), self._label)
            return
        name = self._people.room(room)
        reached = self._crowd.reached(number, name)
        match move.act:
            case Act.TYPE:
                self._crowd.say(number, Typing(room=name))
            case Act.READ:
                self._crowd.say(number, Read(room=name, seq=reached))
            case Act.SCROLL:
                self._crowd.say(number, History(room=name, before=max(1, reached), limit=_PAGE))
            case Act.TURN:
                self._crowd.say(number, History(room=name, limit=_PAGE))
                self._crowd.say(number, Read(room=name, seq=reached))


def filling(characters: int) -> str:
    """Something to say of that length."""
    return (_FILLING * (characters // len(_FILLING) + 1))[:characters]
