"""What a test needs beside a crowd: who its people are, that they have all come, and what becomes of what they saw."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Sequence

from clients.facts import Stored
from clients.findings import Finding
from loadtest.accounts import Accounts
from loadtest.crowd.crowd import Crowd
from loadtest.crowd.watcher import Roster, Watcher
from tests.bench.seed import Person

LOOK_EVERY = 0.1
ALL_COME_SECONDS = 120.0


class Listed:
    """People of a list, numbered as they stand in it; rooms as they are first named."""

    def __init__(self, people: Iterable[Person]) -> None:
        self._people = list(people)
        self._rooms = list(dict.fromkeys(room for person in self._people for room in person.rooms))
        self._numbers = {room: number for number, room in enumerate(self._rooms)}

    @property
    def everybody(self) -> range:
        return range(len(self._people))

    def user(self, number: int) -> str:
        return self._people[number].user

    def token(self, number: int) -> str:
        return self._people[number].token

    def room(self, room: int) -> str:
        return self._rooms[room]

    def rooms_of(self, number: int) -> Sequence[int]:
        return [self._numbers[room] for room in self._people[number].rooms]


class Endings(Watcher):
    """Counts upgrades that were refused, by status, and connections that the server ended, by close code."""

    def __init__(self) -> None:
        self.refusals: Counter[int] = Counter()
        self.closes: Counter[int] = Counter()

    def refused(self, status: int) -> None:
        self.refusals[status] += 1

    def closed(self, code: int) -> None:
        self.closes[code] += 1


def bring_all(crowd: Crowd, numbers: Iterable[int]) -> float:
    """All begin to connect: seconds until the last one is welcome, and has what it had missed."""
    coming = list(numbers)
    begun = time.monotonic()
    for number in coming:
        crowd.bring(number)
    must(crowd.run(now_and_then(lambda: all(map(crowd.is_ready, coming))), ALL_COME_SECONDS), "everybody comes")
    return time.monotonic() - begun


def now_and_then(holds: Callable[[], bool]) -> Callable[[], bool]:
    """Ask so seldom that to ask ten thousand costs nothing."""
    next_look = 0.0

    def look() -> bool:
        nonlocal next_look
        if time.monotonic() < next_look:
            return False
        next_look = time.monotonic() + LOOK_EVERY
        return holds()

    return look


def must(happened: bool, what: str) -> None:
    assert happened, f"in vain: {what}"


def verdict(exports: Iterable[bytes], roster: Roster, stored: Iterable[Stored]) -> list[Finding]:
    """Every broken promise, with the logs of all rooms as they are in the end."""
    accounts = Accounts(exports, roster)
    logs: dict[str, list[Stored]] = defaultdict(list)
    for entry in stored:
        logs[str(entry.room)].append(entry)
    return [finding for room in sorted({*logs, *accounts.rooms()}) for finding in accounts.judge(room, logs[room])]
