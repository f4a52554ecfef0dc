"""Those who post while things go wrong: at a steady rate, for as long as the run goes, and as impatient as people's
clients are.

What they see goes to the ledger, and from there to the checker. Beside that it is measured how long each post waited
for its answer, from the first time it was sent to the acknowledgement, through every refusal, lost connection and retry
in between.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from functools import partial

from loadtest.crowd.crowd import Crowd
from loadtest.crowd.watcher import Watcher
from tests.harness.crowds import Listed

PATIENCE = 12.0
"""Seconds without an answer, or without a welcome, after which a client hangs up and comes to another node: a little
more than a command may take."""


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one post waited. `begun`: on the clock of `time.monotonic`; both in seconds."""

    begun: float
    seconds: float


class Waits(Watcher):
    """Keeps how long posts wait. `over`: those that are answered. `final`: how many were refused for good."""

    def __init__(self) -> None:
        self.over: list[Wait] = []
        self.final = 0

    def acknowledged(self, number: int, room: str, seconds: float) -> None:
        self.over.append(Wait(time.monotonic() - seconds, seconds))

    def denied(self, number: int, room: str, final: bool) -> None:
        self.final += final

    def longest(self, since: float, until: float, still_waiting: list[float]) -> float:
        """Of the posts that were first said in this time; those without an answer count as far as they have come."""
        now = time.monotonic()
        waits = [*self.over, *(Wait(now - seconds, seconds) for seconds in still_waiting)]
        return max([wait.seconds for wait in waits if since <= wait.begun <= until], default=0.0)


class Posting:
    """Everybody posts into one of their rooms every `pause` seconds, unless they still wait for an answer."""

    def __init__(self, crowd: Crowd, roster: Listed, pause: float) -> None:
        self._crowd = crowd
        self._pause = pause
        self._going = True
        self._turn = 0
        for number in roster.everybody:
            crowd.later(pause * number / len(roster.everybody), partial(self._post, number, roster.rooms_of(number)))

    def stop(self) -> None:
        """Nobody begins another post; what was begun is still tried until it is answered."""
        self._going = False

    def _post(self, number: int, rooms: list[int]) -> None:
        if not self._going:
            return
        if self._crowd.is_ready(number) and not self._crowd.unanswered(number):
            self._turn += 1
            room = rooms[self._turn % len(rooms)]
            self._crowd.post(number, room, f"{number} says {self._turn} in {room}")
        self._crowd.later(self._pause, partial(self._post, number, rooms))
