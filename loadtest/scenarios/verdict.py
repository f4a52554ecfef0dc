"""Was every promise kept? The ledgers of all processes, held against the logs as members are shown them.

Everything is compared room by room, with as many rooms at a time as there are readers. A room in which nobody posted
and nobody saw anything has nothing to be judged. What could not be looked at is said, with the reason, and counts as
much as a broken promise: nobody knows that it was kept.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import cycle, islice
from typing import Final

import msgspec

from clients.endpoint import Endpoint
from clients.findings import Finding
from loadtest.accounts import Accounts
from loadtest.people import People
from loadtest.scenarios.logs import LogReader, Unreadable
from loadtest.scenarios.messages import Found, Verdict
from loadtest.scenarios.telling import in_words

READERS: Final = 8  # connections at a time
JUDGE_WITHIN: Final = 120.0  # seconds, and for each …
_JUDGE_WITHIN_EACH: Final = 1e-3  # connection: the more there are, the less of a processor is there for a reader
MOST_FOUND: Final = 100  # broken promises that are told one by one
_LOOKED_AT: Final = 32  # members of a room, for one who is reading another one anyway


def time_to_judge(connections: int) -> float:
    """Seconds that the reading of logs may take beside so many connections."""
    return JUDGE_WITHIN + connections * _JUDGE_WITHIN_EACH


def judge(
    people: People, endpoints: Sequence[Endpoint], ledgers: Sequence[bytes], seconds: float = JUDGE_WITHIN
) -> Verdict:
    """The verdict of a run.

    Parameters
    ----------
    ledgers
        Of all processes, empty for one that told nothing.
    seconds
        For reading the logs; rooms whose turn does not come in time stay unchecked.
    """
    missing = sum(not ledger for ledger in ledgers)
    if missing or not ledgers:
        return Verdict(unchecked=[f"{missing} of {len(ledgers)} processes did not tell what they saw"])
    return _Judge(people, endpoints, Accounts(ledgers, people), time.monotonic() + seconds).verdict()


class _Judge:
    def __init__(self, people: People, endpoints: Sequence[Endpoint], accounts: Accounts, deadline: float) -> None:
        self._people = people
        self._endpoints = cycle(endpoints)
        self._accounts = accounts
        self._deadline = deadline
        self._findings: list[Finding] = []
        self._unread: Counter[str] = Counter()
        self._example: dict[str, str] = {}
        self._rooms = self._entries = self._readers = 0

    def verdict(self) -> Verdict:
        busy = self._accounts.rooms()
        numbers = _numbers_of(self._people, busy)
        for strange in set(busy) - numbers.keys():
            self._leave_out(strange, "the people know of no such room")
        with ThreadPoolExecutor(READERS) as threads:
            jobs = sorted(reading_plan(self._people, sorted(numbers.values())).items())
            for _ in threads.map(lambda job: self._read_for(*job), jobs):
                continue
        self._findings.sort(key=lambda finding: (finding.kind, str(finding.room)))
        return Verdict(
            findings=[
                Found(finding.kind.name, str(finding.room), in_words(finding))
                for finding in self._findings[:MOST_FOUND]
            ],
            broken=len(self._findings),
            unchecked=list(self._reasons()),
            rooms_read=self._rooms,
            entries_read=self._entries,
            posts=self._accounts.posts,
            readers=self._readers,
        )

    def _read_for(self, reader: int, rooms: list[int]) -> None:
        """One member reads these rooms, each of which is judged at once."""
        left = [self._people.room(room) for room in reversed(rooms)]
        try:
            with LogReader(next(self._endpoints), self._people.token(reader), self._deadline) as log:
                while left:
                    self._judge(log, left[-1])
                    left.pop()
        except Unreadable as why:
            for room in left:
                self._leave_out(room, str(why))
        except msgspec.DecodeError as broken:
            for room in left:
                self._leave_out(room, f"the server's frames are not of this protocol: {broken}")

    def _judge(self, log: LogReader, room: str) -> None:
        began = self._accounts.began(room)
        stored = list(log.read(room, began))
        self._findings.extend(self._accounts.judge(room, stored, began))
        self._rooms += 1
        self._entries += len(stored)
        self._readers += self._accounts.readers(room)

    def _leave_out(self, room: str, why: str) -> None:
        self._unread[why] += 1
        self._example.setdefault(why, room)

    def _reasons(self) -> Iterator[str]:
        for why, count in self._unread.items():
            rooms = (
                f"the log of {self._example[why]}"
                if count == 1
                else f"{count:,} logs, {self._example[why]} one of them"
            )
            yield f"{rooms}: {why}"


def _numbers_of(people: People, rooms: Sequence[str]) -> dict[str, int]:
    """Rooms' numbers by their ids."""
    wanted = set(rooms)
    return {room: number for number in range(people.room_count) if (room := people.room(number)) in wanted}


def reading_plan(people: People, rooms: Sequence[int]) -> dict[int, list[int]]:
    """Which member reads which of these rooms: few members, because each is a connection."""
    plan: dict[int, list[int]] = {}
    for room in rooms:
        members = people.members_of(room)
        known = next((member for member in islice(members, _LOOKED_AT) if member in plan), members[0])
        plan.setdefault(known, []).append(room)
    return plan
