"""Thousands of clients in one thread: one epoll, a descriptor each, and next to nothing else.

The rules:
- Who is refused comes again after the time the server named. Who is cut off comes again, too, as docs/protocol.md asks:
  at a random moment, later after each failure; or, in a `hurry`, at once. Who was sent away for good (close codes from
  4500 on, 401 and the like) does not.
- Connections are begun in the order of `bring`, no more than `at_once` under way, no more than `connects` a second.
- Where there are several servers, everybody comes to the next one in turn, the first time and every time again.
- Who does not read is not read for: `deafen` leaves what comes to the kernel, whose buffers are then full.
- Who waits for a welcome or an answer for longer than its patience hangs up, and comes again.

What the clients say is in `members.py`. `step` is one pass, and does not wait if told so: under gevent it is called
when `fileno()` is readable, and when `next_due()` has come. Left out: TLS, IPv6, the other subprotocol (msgpack), a
clock for servers that fall silent (the kernel's keepalive finds those), and more than one process (a process may open
20,000 files).
"""

from __future__ import annotations

import heapq
import itertools
import os
import random
import time
from array import array
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Final

from clients.backoff import full_jitter, moment_to_leave
from clients.endpoint import Endpoint
from loadtest.crowd import kernel
from loadtest.crowd.doors import SOURCES, Doors, reset_at_close
from loadtest.crowd.frames import Opcode, masked_frame
from loadtest.crowd.members import DEAF, QUEUED, READY, Members
from loadtest.crowd.places import NOWHERE
from loadtest.crowd.upgrade import TurnedAway
from loadtest.crowd.watcher import Roster, Watcher
from loadtest.histogram import HALF_BITS
from loadtest.ledger import Ledger, Reader
from server.protocol.commands import AnyCommand
from server.protocol.events import Error, Ok

_READ_BYTES: Final = 64 * 1024
_MOST_EVENTS: Final = 512
_LONGEST_WAIT: Final = 0.05  # seconds, of one pass of `run`
_COME_AGAIN_SECONDS: Final = 0.5  # in a hurry, where no server named a time
_SWEEP_SECONDS: Final = 1.0
_AFTER_FLOODING_SECONDS: Final = 60.0  # docs/protocol.md, 4503
_FLOODING: Final = 4503
_FOR_GOOD: Final = 4500
_REFUSED_FOR_NOW: Final = frozenset({0, 408, 425, 429, 500, 502, 503, 504})  # 0: not HTTP
_GOING_AWAY: Final = masked_frame(Opcode.CLOSE, (1001).to_bytes(2, "big"))
_NO_DESCRIPTOR: Final = -1


class Crowd:
    """Clients and their connections.

    Parameters
    ----------
    roster
        Who they are.
    numbers
        Which of them may be brought here: best a range, which costs nothing.
    endpoints
        The server, or several.
    watcher, ledger
        Are told what happens; see there.
    sources
        Addresses of 127.0.0.0/8 to come from, in turn.
    receive_buffer
        SO_RCVBUF of new sockets; None leaves it to the kernel, which lets it grow to megabytes.
    at_once
        How many connections may be begun and not yet welcome; 0: as many as there are.
    connects
        How many are begun a second; 0: as many as `at_once` lets.
    hurry
        Who was cut off comes again at once, all together.
    patience
        Seconds without a welcome, or without an answer, after which a client hangs up and comes again.
    give_up
        Seconds after which a post is not said again any more.
    chance
        A random number in [0, 1), for jitter.

    Attributes
    ----------
    wanted, in_flight, ready
        How many were brought, and not dropped or sent away for good; have a connection that is being opened; are
        welcome and have what they had missed. `at_once`, `connects` and `hurry` may be set at any time.
    """

    def __init__(
        self,
        roster: Roster,
        numbers: Sequence[int],
        endpoints: Sequence[Endpoint],
        watcher: Watcher,
        ledger: Ledger,
        *,
        sources: Sequence[str] = SOURCES,
        receive_buffer: int | None = None,
        at_once: int = 100,
        connects: float = 0.0,
        hurry: bool = False,
        patience: float = 60.0,
        give_up: float = 300.0,
        chance: Callable[[], float] = random.random,
    ) -> None:
        self.ledger = ledger
        self.at_once, self.connects, self.hurry = at_once, connects, hurry
        self.wanted = self.in_flight = self.ready = 0
        self._roster = roster
        self._numbers = numbers
        self._slots = None if isinstance(numbers, range) else {number: slot for slot, number in enumerate(numbers)}
        self._watcher = watcher
        self._members = Members(roster, numbers, watcher, ledger, self)
        self._doors = Doors(endpoints, sources, receive_buffer)
        self._patience, self._give_up, self._chance = patience, give_up, chance
        self._epoll = kernel.Epoll()
        self._descriptors = array("i", [_NO_DESCRIPTOR]) * len(numbers)
        self._slot_of = array("i")  # by descriptor
        self._unsent: dict[int, bytearray] = {}
        self._failures: dict[int, int] = {}  # in a row, by slot
        self._queue = array("i")  # not a deque: of numbers that all wait at once, each would be an object
        self._next = 0  # whose turn it is in the queue
        self._begun_until = 0.0  # connections up to here are paid for, where they have a pace
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._turns = itertools.count()
        self.later(_SWEEP_SECONDS, self._sweep)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave at once, without a word; nothing is reported of it."""
        for descriptor in self._descriptors:
            if descriptor != _NO_DESCRIPTOR:
                os.close(descriptor)
        self._descriptors = array("i", [_NO_DESCRIPTOR]) * len(self._numbers)
        self._epoll.close()

    # --- what clients are told to do -----------------------------------------------------------------------------

    def bring(self, number: int) -> None:
        """Let somebody connect when it is their turn, unless they have or will. They are ready some time later."""
        slot = self._slot(number)
        if not self._members.states[slot]:
            self.wanted += 1
            self._enqueue(slot)

    def drop(self, numbers: Iterable[int], *, reset: bool | None = None) -> None:
        """Cut these off at once, with a `reset` or an end of stream; by default every other one with one and the other.

        They do not come again until they are brought.
        """
        for turn, number in enumerate(numbers):
            slot = self._slot(number)
            if not self._members.states[slot]:
                continue
            self.wanted -= 1
            descriptor = self._descriptors[slot]
            if descriptor == _NO_DESCRIPTOR:
                self._members.states[slot] = 0
                continue
            if turn % 2 if reset is None else reset:
                reset_at_close(descriptor)
            self._hang_up(slot)

    def post(self, number: int, room: int, text: str = "", label: str = "") -> None:
        """Let somebody say something: a mark with this label, and `text`. Who is not ready says it once they are."""
        slot = self._slot(number)
        self._send(slot, self._members.post(slot, room, text, label))

    def say(self, number: int, command: AnyCommand, then: Callable[[Ok | Error | None], None] | None = None) -> None:
        """Let somebody who is ready say another command; with `then`, which is given the answer, it gets an id.

        `then` gets None if no answer comes: who is not ready says nothing, and who is cut off does not say it again.
        """
        slot = self._slot(number)
        self._send(slot, self._members.ask(slot, command, then))

    def deafen(self, number: int) -> None:
        """Do not read what comes for somebody who is ready, until they are cut off or `hear` again."""
        slot = self._slot(number)
        if self._descriptors[slot] != _NO_DESCRIPTOR:
            self._members.states[slot] |= DEAF
            self._await(slot)

    def hear(self, number: int) -> None:
        """Read again."""
        slot = self._slot(number)
        if self._descriptors[slot] != _NO_DESCRIPTOR:
            self._members.states[slot] &= ~DEAF
            self._await(slot)

    def sip(self, number: int, most: int) -> None:
        """Read so many bytes at the most for one that was deafened."""
        slot = self._slot(number)
        if self._descriptors[slot] != _NO_DESCRIPTOR:
            self._read(slot, self._descriptors[slot], most)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it after so long, while the crowd runs."""
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._turns), call))

    # --- what can be asked ---------------------------------------------------------------------------------------

    @property
    def connected(self) -> int:
        """How many have a connection, ready or not."""
        return self.in_flight + self.ready

    @property
    def delivered(self) -> int:
        """How many entries were given to clients."""
        return self._members.delivered

    def is_ready(self, number: int) -> bool:
        return bool(self._members.states[self._slot(number)] & READY)

    def lives(self, number: int) -> int:
        """How many connections somebody has had."""
        return self._members.lives[self._slot(number)]

    def reached(self, number: int, room: str) -> int:
        """How far somebody has come in a room; 0 if they were never told of it."""
        at = self._members.places.find(self._slot(number), hash(room))
        return 0 if at == NOWHERE else self._members.places.seqs[at]

    def unanswered(self, number: int | None = None) -> int:
        """Posts that somebody, or anybody, said and has no answer to."""
        if number is not None:
            return self._members.unanswered(self._slot(number))
        return sum(map(self._members.unanswered, list(self._members.speeches)))

    def waiting(self) -> list[float]:
        """Of each post without an answer: for how many seconds it has been without, since it was first said."""
        now = time.monotonic()
        return [now - said.first for speech in self._members.speeches.values() for said in speech.posts()]

    def behind(self, heads: dict[str, int], numbers: Iterable[int] | None = None) -> int:
        """How many places of these people (of everybody) in these rooms are not as far as this.

        A look at everybody: about 0.2 us for each place.
        """
        wanted = {hash(room): seq for room, seq in heads.items()}
        places = self._members.places
        if not wanted:
            return 0
        if numbers is None:
            return sum(seq < wanted.get(key, 0) for key, seq in zip(places.keys, places.seqs, strict=True))
        rows = (places.row(self._slot(number)) for number in numbers)
        return sum(places.seqs[at] < wanted.get(places.keys[at], 0) for row in rows for at in row)

    def readers(self) -> Iterator[Reader]:
        """Where everybody stands, for `Ledger.export`."""
        states = self._members.states
        for slot, room, began, reached in self._members.everywhere():
            yield Reader(self._numbers[slot], room, began, reached, states[slot] & (READY | DEAF) == READY)

    # --- the loop ------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """The epoll's descriptor: readable when there is something for `step`."""
        descriptor: int = self._epoll.fileno()
        return descriptor

    def next_due(self) -> float:
        """Seconds until `step` has something to do even if nothing comes; 0.0 at once. There always is something."""
        due = self._later[0][0]
        if self._next < len(self._queue) and (not self.at_once or self.in_flight < self.at_once):
            due = min(due, self._begun_until)
        return max(0.0, due - time.monotonic())

    def run(self, until: Callable[[], bool], seconds: float) -> bool:
        """Run until something holds; False if it does not in time. It is looked at between passes."""
        end = time.monotonic() + seconds
        while not until():
            left = end - time.monotonic()
            if left <= 0:
                return False
            self.step(min(left, _LONGEST_WAIT))
        return True

    def step(self, timeout: float) -> None:
        """One pass: what is due, who may connect, and one look at what has come, for which it waits so many seconds."""
        now = time.monotonic()
        while self._later[0][0] <= now:
            heapq.heappop(self._later)[2]()
        if self._next < len(self._queue):
            self._begin_some(now)
        events = self._epoll.poll(min(timeout, self.next_due()) if timeout else 0, _MOST_EVENTS)
        self._deliver(events)

    def _deliver(self, events: list[tuple[int, int]]) -> None:
        """Read for everybody for whom something came.

        The loop of a delivery, spelled out: of a client that is ready, and does not wait for anything, one read brings
        what was read before for another one, and it is the next entry of the room. All else is `Members.receive`.
        """
        members = self._members
        states, places = members.states, members.places
        seqs, keys, first = places.seqs, places.keys, places.first
        slot_of, known = self._slot_of, members.reads
        read, clock = os.read, time.monotonic_ns
        delivered = 0
        for descriptor, event in events:
            slot = slot_of[descriptor]
            if states[slot] != READY or event != kernel.IN:
                self._happened(slot, descriptor, event)
                continue
            try:
                data = read(descriptor, _READ_BYTES)
            except OSError as error:
                self._broken(slot, error)
                continue
            entries = known.newer.get(data)
            if entries is None:
                self._came(slot, data)
                continue
            now = clock()
            for entry in entries:
                at = first[slot]
                if keys[at] != entry.key:
                    at = places.find(slot, entry.key)
                if at >= 0 and seqs[at] + 1 == entry.seq:
                    seqs[at] += 1
                else:
                    members.take(slot, entry)
                entry.readers += 1
                entry.last_at = now
                if entry.tally is not None:
                    us = (now - entry.sent) // 1000
                    shift = us.bit_length() - HALF_BITS - 1  # `histogram.bucket`, without the call
                    entry.tally.counts[us if shift <= 0 else (shift << HALF_BITS) + (us >> shift)] += 1
            delivered += len(entries)
        members.delivered += delivered

    def _happened(self, slot: int, descriptor: int, event: int) -> None:
        """Something else than bytes for one who is ready."""
        if slot == _NO_DESCRIPTOR or self._descriptors[slot] != descriptor:
            return  # it was hung up earlier in this pass
        if event & kernel.OUT:
            self._flush(slot)
        elif not self._members.states[slot] & DEAF:
            self._read(slot, descriptor, _READ_BYTES)
        elif event & (kernel.ERR | kernel.HUP):
            self._gone(slot)

    def _read(self, slot: int, descriptor: int, most: int) -> None:
        try:
            data = os.read(descriptor, most)
        except OSError as error:
            self._broken(slot, error)
            return
        self._came(slot, data)

    def _broken(self, slot: int, error: OSError) -> None:
        if not isinstance(error, BlockingIOError):
            self._watcher.failed(error.errno or 0)
            self._gone(slot)

    def _came(self, slot: int, data: bytes) -> None:
        if not data:
            self._gone(slot)
            return
        try:
            answer = self._members.receive(slot, data)
        except TurnedAway as refused:
            self._turned_away(slot, refused)
            return
        if answer:
            self._send(slot, answer)

    def _send(self, slot: int, data: bytes) -> None:
        if not data or self._descriptors[slot] == _NO_DESCRIPTOR:
            return
        unsent = self._unsent.get(slot)
        if unsent is not None:
            unsent += data
            return
        sent = self._write(slot, data)
        if sent < len(data):
            self._unsent[slot] = bytearray(data[sent:])
            self._await(slot)

    def _flush(self, slot: int) -> None:
        unsent = self._unsent[slot]
        del unsent[: self._write(slot, unsent)]
        if not unsent:
            self._unsent.pop(slot, None)
            if self._descriptors[slot] != _NO_DESCRIPTOR:
                self._await(slot)

    def _write(self, slot: int, data: bytes | bytearray) -> int:
        """How much of it the kernel took; all of it, where there is nobody to take it any more."""
        try:
            return os.write(self._descriptors[slot], data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._broken(slot, error)
            return len(data)

    def _await(self, slot: int) -> None:
        hearing = 0 if self._members.states[slot] & DEAF else kernel.IN
        self._epoll.modify(self._descriptors[slot], hearing | (kernel.OUT if slot in self._unsent else 0))

    # --- the beginning of a connection ---------------------------------------------------------------------------

    def _enqueue(self, slot: int) -> None:
        self._members.states[slot] = QUEUED
        self._queue.append(slot)

    def _begin_some(self, now: float) -> None:
        """Whoever's turn it is."""
        states = self._members.states
        while self._next < len(self._queue) and (not self.at_once or self.in_flight < self.at_once):
            if self.connects:
                if now < self._begun_until:
                    return
                self._begun_until = max(self._begun_until, now - 1.0) + 1.0 / self.connects
            slot = self._queue[self._next]
            self._next += 1
            if states[slot] == QUEUED and self._descriptors[slot] == _NO_DESCRIPTOR:
                self._begin(slot, now)
        if self._next == len(self._queue):
            self._queue, self._next = array("i"), 0

    def _begin(self, slot: int, now: float) -> None:
        try:
            descriptor, endpoint = self._doors.open()
        except OSError as error:
            self._watcher.failed(error.errno or 0)
            self._come_again(slot, None)
            return
        while len(self._slot_of) <= descriptor:
            self._slot_of.append(_NO_DESCRIPTOR)
        self._slot_of[descriptor] = slot
        self._descriptors[slot] = descriptor
        self.in_flight += 1
        request = self._members.begin(slot, endpoint, now)
        self._epoll.register(descriptor, kernel.IN)
        self._send(slot, request)  # where the connection is not there yet, this waits until it is

    def is_open(self, slot: int) -> None:
        """Called by the members: the opening is over."""
        self.in_flight -= 1
        self.ready += 1
        self._failures.pop(slot, None)

    def retry_in(self, slot: int, seconds: float) -> None:
        """Called by the members: somebody was refused for the moment."""
        self.later(seconds, lambda: self._send(slot, self._members.retry(slot)))

    def leave_in(self, slot: int, after: int, window: int) -> None:
        """Called by the members: the server asked for it."""
        life = self._members.lives[slot]
        self.later(moment_to_leave(after, window, self._chance()), lambda: self._leave(slot, life))

    def _leave(self, slot: int, life: int) -> None:
        """Close as docs/protocol.md asks, unless the connection is another one by now, and come again."""
        if self._members.lives[slot] == life and self._descriptors[slot] != _NO_DESCRIPTOR:
            self._send(slot, _GOING_AWAY)
        if self._members.lives[slot] == life and self._descriptors[slot] != _NO_DESCRIPTOR:
            self._hang_up(slot)
            self._enqueue(slot)

    # --- the end of a connection ---------------------------------------------------------------------------------

    def _gone(self, slot: int) -> None:
        """The server ended it, or never took it."""
        was_ready = bool(self._members.states[slot] & READY)
        code = self._members.codes.get(slot, 1006)
        self._watcher.closed(code)
        self._hang_up(slot)
        if code >= _FOR_GOOD and code != _FLOODING:
            self.wanted -= 1
        elif code == _FLOODING:
            self._come_again(slot, _AFTER_FLOODING_SECONDS)
        else:
            self._come_again(slot, 0.0 if was_ready and self.hurry else None)

    def _turned_away(self, slot: int, refused: TurnedAway) -> None:
        self._watcher.refused(refused.status)
        self._hang_up(slot)
        if refused.status in _REFUSED_FOR_NOW:
            self._come_again(slot, refused.retry_after)
        else:
            self.wanted -= 1

    def _come_again(self, slot: int, seconds: float | None) -> None:
        """After so long at the earliest; None: nobody named a time."""
        self._members.states[slot] = QUEUED
        failed = self._failures.get(slot, 0)
        self._failures[slot] = failed + 1
        if self.hurry:
            wait = _COME_AGAIN_SECONDS if seconds is None else seconds
        else:
            wait = max(seconds or 0.0, full_jitter(failed, self._chance()))
        self.later(wait, lambda: self._enqueue(slot) if self._members.states[slot] == QUEUED else None)

    def _hang_up(self, slot: int) -> None:
        descriptor = self._descriptors[slot]
        if self._members.states[slot] & READY:
            self.ready -= 1
        else:
            self.in_flight -= 1
        self._descriptors[slot] = _NO_DESCRIPTOR
        self._slot_of[descriptor] = _NO_DESCRIPTOR
        self._unsent.pop(slot, None)
        os.close(descriptor)
        self._members.lost(slot)

    def _sweep(self) -> None:
        """Whoever waits for too long hangs up, and comes again."""
        for slot, waited in self._members.overdue(time.monotonic(), self._patience, self._give_up):
            self._watcher.late(self._numbers[slot], waited)
            self._hang_up(slot)
            self._come_again(slot, 0.0)
        self.later(_SWEEP_SECONDS, self._sweep)

    def _slot(self, number: int) -> int:
        return self._numbers.index(number) if self._slots is None else self._slots[number]
