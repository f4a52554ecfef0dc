"""Those who post while things go wrong: at a steady rate, for as long as the run goes, and as impatient as people's
clients are.

What they see goes to the reporter, and from there to the checker. Beside that it is measured how long each post
waited for its answer, from the first time it was sent to the acknowledgement, through every refusal, lost connection
and retry in between.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from clients.checker import Acknowledged, Fact, Name, Posted, Refused
from loadtest.earlier_crowd import Crowd
from loadtest.member import Member, Stage
from loadtest.reporter import Reporter

PATIENCE = 12.0
"""Seconds without an answer, or without a welcome, after which a client hangs up and comes to another node: a little
more than a command may take."""

LOOK_EVERY = 1.0


@dataclass(frozen=True, slots=True)
class Wait:
    """How long one post waited. `begun`: on the clock of `time.monotonic`; both in seconds."""

    begun: float
    seconds: float


class Waits:
    """Passes facts on to the reporter, and keeps how long posts wait.

    `over`: those that are answered. `answers`: how many each poster has had, refusals included. `final`: how many of
    these said that to try again is of no use.
    """

    def __init__(self, reporter: Reporter) -> None:
        self.over: list[Wait] = []
        self.answers: Counter[Name] = Counter()
        self.final = 0
        self._reporter = reporter
        self._open: dict[tuple[Name, Name], float] = {}

    def take(self, fact: Fact) -> None:
        self._reporter.take(fact)
        match fact:
            case Posted():
                self._open.setdefault((fact.who, fact.nonce), fact.at)
            case Refused():
                self.answers[fact.who] += 1
                self.final += fact.final
            case Acknowledged():
                self.answers[fact.who] += 1
                begun = self._open.pop((fact.who, fact.nonce), None)
                if begun is not None:
                    self.over.append(Wait(begun, time.monotonic() - begun))

    def longest(self, since: float, until: float) -> float:
        """Of the posts that were first sent in this time; those without an answer count as far as they have come."""
        now = time.monotonic()
        answered = [wait.seconds for wait in self.over if since <= wait.begun <= until]
        waiting = [now - begun for begun in self._open.values() if since <= begun <= until]
        return max([*answered, *waiting], default=0.0)


class Posting:
    """Each member posts into one of its rooms every `pause` seconds, unless it still waits for an answer."""

    def __init__(
        self, crowd: Crowd, members: Sequence[tuple[Member, tuple[str, ...]]], waits: Waits, pause: float
    ) -> None:
        self._crowd = crowd
        self._waits = waits
        self._members = members
        self._pause = pause
        self._going = True
        self._number = 0
        self._since: dict[str, tuple[int, Stage, int, float]] = {}
        for nth, (member, rooms) in enumerate(members):
            crowd.later(pause * nth / len(members), partial(self._post, member, rooms))
        crowd.later(LOOK_EVERY, self._look)

    def stop(self) -> None:
        """Nobody begins another post; what was begun is still tried until it is answered."""
        self._going = False

    def all_answered(self) -> bool:
        return not any(member.unanswered for member, _ in self._members)

    def _post(self, member: Member, rooms: tuple[str, ...]) -> None:
        if not self._going:
            return
        if member.stage is Stage.READY and not member.unanswered:
            self._number += 1
            room = rooms[self._number % len(rooms)]
            self._crowd.post(member, room, f"{member.who} says {self._number} in {room}")
        self._crowd.later(self._pause, partial(self._post, member, rooms))

    def _look(self) -> None:
        """Whoever hears nothing for too long tries another node."""
        now = time.monotonic()
        for member, _ in self._members:
            state = member.lives, member.stage, self._waits.answers[member.who]
            before = self._since.get(member.who)
            waits = member.stage is not Stage.READY or member.unanswered > 0
            if not waits or before is None or before[:3] != state:
                self._since[member.who] = (*state, now)
            elif now - before[3] > PATIENCE:
                del self._since[member.who]
                self._crowd.drop([member])
                self._crowd.bring(member)
        self._crowd.later(LOOK_EVERY, self._look)
