"""Each kind of phase as one process plays it: what its own people do, and when they have done it.

Who is chosen for what follows from the seed and the people's numbers, the same in every process, so that nobody has to
be told: a process draws for all people, and acts for its own.
"""

from __future__ import annotations

import math
import os
import random
import signal
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import Final

from loadtest.crowd.crowd import Crowd
from loadtest.crowd.entries import Entry
from loadtest.crowd.shifts import Shifts
from loadtest.people import People
from loadtest.scenarios.broadcast import LAST
from loadtest.scenarios.messages import (
    Broadcast,
    Churn,
    Come,
    Cut,
    Doing,
    Hold,
    Ignore,
    Kill,
    Options,
    Reach,
    Settle,
    Spread,
    Testify,
)
from loadtest.scenarios.readings import Readings
from loadtest.scenarios.storm import RECOVERY
from loadtest.scenarios.talking import Rooms, filling

_LOOK_EVERY: Final = 0.1  # seconds, at what takes a look at everybody
_SIP_EVERY: Final = 0.5  # seconds
_SHARE_OF_TIME: Final = 50  # a look at everybody takes no more than this part of it
_GOLDEN: Final = 0.618034  # of a circle: steps of it come nowhere near each other for long
_CHARACTERS: Final = 40  # of a post that is not made by somebody who talks


@dataclass(frozen=True, slots=True)
class Company:
    """The people of one process, and what they act with."""

    crowd: Crowd
    people: People
    mine: Sequence[int]
    rooms: Rooms
    readings: Readings
    options: Options
    shifts: Shifts | None = None

    def drawn(self, count: int, purpose: str) -> list[int]:
        """This process' part of so many of all people.

        A number is chosen if it is among the first `count` of a shuffled circle, which takes no look at the others': a
        draw among a million takes a process eight megabytes that it never gives back.
        """
        everybody = self.options.connections
        step = round(everybody * _GOLDEN) or 1
        while math.gcd(step, everybody) != 1:
            step += 1
        turn = self.chance(purpose).randrange(everybody)
        return [number for number in self.mine if (number * step + turn) % everybody < count]

    def below(self, count: int | None) -> Sequence[int]:
        """Those of this process who are among the first so many."""
        return self.mine if count is None else [number for number in self.mine if number < count]

    def chance(self, purpose: str) -> random.Random:
        """The same in every process."""
        return random.Random(f"{self.options.seed} {purpose}")  # noqa: S311 - nothing is kept secret

    def part(self, rate: float) -> float:
        """Of so much a second that all people do, what this process' people do."""
        return rate * len(self.mine) / self.options.connections


class Played:
    """A phase, from its order to the next one."""

    def done(self) -> bool:
        """Looked at after every pass of the crowd."""
        return True

    def end(self) -> None:
        """The next order has come."""

    def figures(self) -> dict[str, float]:
        """Asked once it is done."""
        return {}


class Coming(Played):
    def __init__(self, company: Company, come: Come) -> None:
        self._crowd = company.crowd
        wanted = company.below(come.count)
        self._count = len(wanted)
        self._crowd.arrivals.at_once = come.at_once
        self._crowd.arrivals.connects = company.part(come.connects)
        self._has_pace = bool(come.connects)
        self.keep_to(company.shifts)
        for number in wanted:
            self._crowd.bring(number)

    def keep_to(self, shifts: Shifts | None) -> None:
        """Come in these; where somebody said how many are to come a second, they come at that pace instead."""
        self._crowd.arrivals.keep_to(None if self._has_pace else shifts)

    def done(self) -> bool:
        return self._crowd.ready >= self._count

    def end(self) -> None:
        self._crowd.arrivals.connects = 0.0
        self._crowd.arrivals.keep_to(None)


class Lasting(Played):
    """It is over when the time is."""

    def __init__(self, seconds: float) -> None:
        self._until = time.monotonic() + seconds

    def done(self) -> bool:
        return time.monotonic() >= self._until


class Broadcasting(Played):
    """One says it; all of the room have to see it. Who was away sees it later, and is waited for."""

    def __init__(self, company: Company, broadcast: Broadcast, label: str) -> None:
        self._room = company.people.room(broadcast.room)
        self._label = label
        self._owed = company.rooms.of_mine(broadcast.room, broadcast.among)
        self._seen: list[Entry] = []  # one that is sent again in other bytes is another one
        self._readings = company.readings
        self._readings.listen(self._take)
        if broadcast.poster in company.mine:
            company.crowd.post(broadcast.poster, broadcast.room, filling(_CHARACTERS), label)

    def _take(self, entry: Entry) -> None:
        if entry.room == self._room and entry.mark is not None and entry.mark.label == self._label:
            self._seen.append(entry)

    def done(self) -> bool:
        return sum(entry.readers for entry in self._seen) >= self._owed

    def end(self) -> None:
        self._readings.entries = None

    def figures(self) -> dict[str, float]:
        lasts = [(entry.last_at - entry.sent) / 1e9 for entry in self._seen]
        return {LAST: max(lasts)} if lasts else {}


class Spreading(Played):
    """Posts in small rooms. Each process knows all of them beforehand, so it knows what its people are owed."""

    def __init__(self, company: Company, spread: Spread, label: str) -> None:
        self._crowd = company.crowd
        self._label = label
        self._owed = 0
        self._seen: list[Entry] = []
        self._readings = company.readings
        self._readings.listen(self._take)
        chance = company.chance("spread")
        for nth in range(spread.posts):
            number = chance.randrange(company.options.connections)
            room = company.people.rooms_of(number)[-1]
            self._owed += company.rooms.of_mine(room)
            if number in company.mine:
                company.crowd.later(nth * spread.seconds / spread.posts, partial(self._post, number, room))
        self._look_at = time.monotonic() + spread.seconds

    def _post(self, number: int, room: int) -> None:
        self._crowd.post(number, room, filling(_CHARACTERS), self._label)

    def _take(self, entry: Entry) -> None:
        if entry.mark is not None and entry.mark.label == self._label:
            self._seen.append(entry)

    def done(self) -> bool:
        now = time.monotonic()
        if now < self._look_at:
            return False
        self._look_at = now + _LOOK_EVERY
        return not self._crowd.unanswered() and sum(entry.readers for entry in self._seen) >= self._owed

    def end(self) -> None:
        self._readings.entries = None


class Cutting(Played):
    """Who is cut off is brought again in the same moment."""

    def __init__(self, company: Company, cut: Cut, purpose: str) -> None:
        self._readings = company.readings
        self._readings.welcome = self._welcome
        dropped = company.drawn(cut.count, purpose)
        self._away = set(dropped)
        self._began = time.monotonic()
        self._took = 0.0
        company.crowd.drop(dropped)
        for number in dropped:
            company.crowd.bring(number)

    def _welcome(self, number: int) -> None:
        self._away.discard(number)
        self._took = time.monotonic() - self._began

    def done(self) -> bool:
        return not self._away

    def end(self) -> None:
        self._readings.welcome = None

    def figures(self) -> dict[str, float]:
        return {RECOVERY: self._took}


class Killing(Played):
    """One process does it; it is over when all are here and nobody was away for some seconds.

    Who has lost a connection comes again by themselves: the crowd is in a hurry.
    """

    def __init__(self, company: Company, kill: Kill) -> None:
        self._crowd = company.crowd
        self._count = len(company.mine)
        self._readings = company.readings
        self._readings.welcome = self._welcome
        self._began = self._quiet_since = time.monotonic()
        self._quiet = kill.quiet
        self._took = 0.0
        if 0 in company.mine:
            with suppress(ProcessLookupError):  # it has ended by itself: the server's parent says so
                os.kill(kill.process, signal.SIGKILL)

    def _welcome(self, number: int) -> None:
        self._took = time.monotonic() - self._began

    def done(self) -> bool:
        now = time.monotonic()
        if self._crowd.ready < self._count:
            self._quiet_since = now
        return now >= self._quiet_since + self._quiet

    def end(self) -> None:
        self._readings.welcome = None

    def figures(self) -> dict[str, float]:
        return {RECOVERY: self._took}


class Churning(Lasting):
    """One after the other leaves, in turn of a shuffled list, so that nobody leaves who has just come."""

    def __init__(self, company: Company, churn: Churn, purpose: str) -> None:
        super().__init__(churn.seconds)
        self._crowd = company.crowd
        self._away = churn.away
        self._pause = 1.0 / company.part(churn.rate)
        numbers = list(company.mine)
        company.chance(purpose).shuffle(numbers)
        self._turns = deque(numbers)
        self._going = True
        self._next = time.monotonic() + self._pause
        self._leave()

    def _leave(self) -> None:
        if not self._going:
            return
        while self._next <= time.monotonic():
            self._next += self._pause
            number = self._turns[0]
            self._turns.rotate(-1)
            if self._crowd.is_ready(number):
                self._crowd.drop([number])
                self._crowd.later(self._away, partial(self._crowd.bring, number))
        self._crowd.later(self._next - time.monotonic(), self._leave)

    def end(self) -> None:
        self._going = False


class Ignoring(Lasting):
    """What those see who did not want to does not count from the end of it: then they read what was kept for them."""

    def __init__(self, company: Company, ignore: Ignore, ignorers: Sequence[int]) -> None:
        super().__init__(ignore.seconds)
        self._crowd = company.crowd
        self._ignorers = ignorers
        self._sip = max(1, round(ignore.sip * _SIP_EVERY))
        self._going = True
        self._reading = company.readings.now
        for number in ignorers:
            if company.crowd.is_ready(number):
                company.crowd.deafen(number)
        if ignore.sip and ignorers:
            company.crowd.later(_SIP_EVERY, self._sip_on)

    def _sip_on(self) -> None:
        if not self._going:
            return
        for number in self._ignorers:
            self._crowd.sip(number, self._sip)
        self._crowd.later(_SIP_EVERY, self._sip_on)

    def end(self) -> None:
        self._going = False
        self._reading.is_frozen = True


class Settling(Played):
    """Everybody reads and is there, and then every post is answered, or was said for as long as makes sense."""

    def __init__(self, company: Company) -> None:
        self._crowd = company.crowd
        self._count = len(company.mine)
        for number in company.mine:
            company.crowd.bring(number)
            company.crowd.hear(number)
        self._look = _now_and_then(lambda: not self._crowd.unanswered())

    def done(self) -> bool:
        return self._crowd.ready >= self._count and self._look()


class Reaching(Played):
    def __init__(self, company: Company, reach: Reach) -> None:
        self._crowd = company.crowd
        self._count = len(company.mine)
        self._look = _now_and_then(lambda: not company.crowd.behind(reach.heads))

    def done(self) -> bool:
        return self._crowd.ready >= self._count and self._look()


def _now_and_then(holds: Callable[[], bool]) -> Callable[[], bool]:
    """Ask at once, and then so seldom that to ask thousands costs next to nothing."""
    next_look = 0.0

    def look() -> bool:
        nonlocal next_look
        now = time.monotonic()
        if now < next_look:
            return False
        held = holds()
        took = time.monotonic() - now
        next_look = now + max(_LOOK_EVERY, took * _SHARE_OF_TIME)
        return held

    return look


def played(company: Company, doing: Doing, label: str) -> Played:
    """What an order comes to in this process."""
    match doing:
        case Come():
            return Coming(company, doing)
        case Hold():
            return Lasting(doing.seconds)
        case Broadcast():
            return Broadcasting(company, doing, label)
        case Spread():
            return Spreading(company, doing, label)
        case Cut():
            return Cutting(company, doing, f"cut {label}")
        case Kill():
            return Killing(company, doing)
        case Churn():
            return Churning(company, doing, f"churn {label}")
        case Ignore():
            return Ignoring(company, doing, ignorers(company, doing))
        case Settle():
            return Settling(company)
        case Reach():
            return Reaching(company, doing)
        case Testify():
            return Played()


def ignorers(company: Company, doing: Doing) -> list[int]:
    """Who of this process does not read, while this is done."""
    if not isinstance(doing, Ignore):
        return []
    return company.drawn(round(doing.share * company.options.connections), "ignore")
