"""Thousands of clients in one thread: one epoll, a descriptor each, and next to nothing else.

The rules:
- Connections are begun in the order of `bring`, no more than `at_once` under way, no more than `connects` a second;
  who was cut off or refused comes again (`arrivals.py`).
- Where there are several servers, everybody comes to the next one in turn, the first time and every time again.
- Who does not read is not read for: `deafen` leaves what comes to the kernel, whose buffers are then full.
- Who waits for a welcome or an answer for longer than its patience hangs up, and comes again.

What clients say and hear is in `speeches.py` and `members.py`, their sockets in `sockets.py`, the loop of a delivery in
`delivering.py`; here is what follows from what happens to a connection, and all that a crowd can be told and asked.
`step` is one pass, and does not wait if told so: under gevent it is called when `fileno()` is readable, and when
`next_due()` has come. Left out: TLS, IPv6, the other subprotocol (msgpack), a clock for servers that fall silent (the
kernel's keepalive finds those), and more than one process (a process may open 20,000 files).
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import Final

from clients.backoff import moment_to_leave
from clients.endpoint import Endpoint
from loadtest.crowd import kernel
from loadtest.crowd.arrivals import Arrivals
from loadtest.crowd.delivering import READ_BYTES, Delivery
from loadtest.crowd.doors import SOURCES, Doors
from loadtest.crowd.frames import Opcode, masked_frame
from loadtest.crowd.members import Members
from loadtest.crowd.places import NOWHERE
from loadtest.crowd.sockets import Sockets
from loadtest.crowd.standing import DEAF, NOBODY, QUEUED, READY, Standing
from loadtest.crowd.timers import Timers
from loadtest.crowd.upgrade import TurnedAway
from loadtest.crowd.watcher import Roster, Watcher
from loadtest.ledger import Ledger, Reader
from server.protocol.commands import AnyCommand
from server.protocol.replies import Error, Ok

_LONGEST_WAIT: Final = 0.05  # seconds, of one pass of `run`
_SWEEP_SECONDS: Final = 1.0
_GOING_AWAY: Final = masked_frame(Opcode.CLOSE, (1001).to_bytes(2, "big"))


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
        welcome and have what they had missed.
    arrivals
        Whose `at_once`, `connects` and `hurry` may be set at any time.
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
        self.arrivals = Arrivals(at_once, connects, hurry, chance)
        self.wanted = self.in_flight = self.ready = 0
        self._numbers = numbers
        self._slots = None if isinstance(numbers, range) else {number: slot for slot, number in enumerate(numbers)}
        self._watcher = watcher
        self._patience, self._give_up, self._chance = patience, give_up, chance
        standing = Standing(numbers)
        self._states, self._lives = standing.states, standing.lives
        self._members = Members(roster, standing, watcher, ledger, self)
        self._speeches = self._members.speeches
        self._sockets = Sockets(Doors(endpoints, sources, receive_buffer), standing, self._broken)
        self._delivery = Delivery(self._members, self._sockets, self._happened, self._came, self._broken)
        self._timers = Timers()
        self.later(_SWEEP_SECONDS, self._sweep)

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Leave at once, without a word; nothing is reported of it."""
        self._sockets.close_all()

    # --- what clients are told to do -----------------------------------------------------------------------------

    def bring(self, number: int) -> None:
        """Let somebody connect when it is their turn, unless they have or will. They are ready some time later."""
        slot = self._slot(number)
        if not self._states[slot]:
            self.wanted += 1
            self._enqueue(slot)

    def drop(self, numbers: Iterable[int], *, reset: bool | None = None) -> None:
        """Cut these off at once, with a `reset` or an end of stream; by default every other one with one and the other.

        They do not come again until they are brought.
        """
        for turn, number in enumerate(numbers):
            slot = self._slot(number)
            if not self._states[slot]:
                continue
            self.wanted -= 1
            if not self._sockets.is_open(slot):
                self._states[slot] = 0
                continue
            self._hang_up(slot, reset=bool(turn % 2) if reset is None else reset)

    def post(self, number: int, room: int, text: str = "", label: str = "") -> None:
        """Let somebody say something: a mark with this label, and `text`. Who is not ready says it once they are."""
        slot = self._slot(number)
        self._sockets.send(slot, self._speeches.post(slot, room, text, label))

    def say(self, number: int, command: AnyCommand, then: Callable[[Ok | Error | None], None] | None = None) -> None:
        """Let somebody who is ready say another command; with `then`, which is given the answer, it gets an id.

        `then` gets None if no answer comes: who is not ready says nothing, and who is cut off does not say it again.
        """
        slot = self._slot(number)
        self._sockets.send(slot, self._speeches.ask(slot, command, then))

    def deafen(self, number: int) -> None:
        """Do not read what comes for somebody who is ready, until they are cut off or `hear` again."""
        slot = self._slot(number)
        if self._sockets.is_open(slot):
            self._states[slot] |= DEAF
            self._sockets.attend(slot)

    def hear(self, number: int) -> None:
        """Read again."""
        slot = self._slot(number)
        if self._sockets.is_open(slot):
            self._states[slot] &= ~DEAF
            self._sockets.attend(slot)

    def sip(self, number: int, most: int) -> None:
        """Read so many bytes at the most for one that was deafened."""
        slot = self._slot(number)
        if self._sockets.is_open(slot):
            self._read(slot, most)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it after so long, while the crowd runs."""
        self._timers.later(seconds, call)

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
        return bool(self._states[self._slot(number)] & READY)

    def lives(self, number: int) -> int:
        """How many connections somebody has had."""
        return self._lives[self._slot(number)]

    def reached(self, number: int, room: str) -> int:
        """How far somebody has come in a room; 0 if they were never told of it."""
        at = self._members.places.find(self._slot(number), hash(room))
        return 0 if at == NOWHERE else self._members.places.seqs[at]

    def unanswered(self, number: int | None = None) -> int:
        """Posts that somebody, or anybody, said and has no answer to."""
        return self._speeches.unanswered(None if number is None else self._slot(number))

    def waiting(self) -> list[float]:
        """Of each post without an answer: for how many seconds it has been without, since it was first said."""
        return self._speeches.waiting(time.monotonic())

    def behind(self, heads: dict[str, int], numbers: Iterable[int] | None = None) -> int:
        """How many places of these people (of everybody) in these rooms are not as far as this.

        A look at everybody: about 0.2 us for each place.
        """
        wanted = {hash(room): seq for room, seq in heads.items()}
        return self._members.places.behind(wanted, None if numbers is None else map(self._slot, numbers))

    def readers(self, rooms: Collection[str] | None = None) -> Iterator[Reader]:
        """Where everybody stands, in these rooms or in all, for `Ledger.export`."""
        states = self._states
        for slot, room, began, reached in self._members.everywhere(rooms):
            yield Reader(self._numbers[slot], room, began, reached, states[slot] & (READY | DEAF) == READY)

    # --- the loop ------------------------------------------------------------------------------------------------

    def fileno(self) -> int:
        """The epoll's descriptor: readable when there is something for `step`."""
        return self._sockets.fileno()

    def next_due(self) -> float:
        """Seconds until `step` has something to do even if nothing comes; 0.0 at once. There always is something."""
        due, may_begin = self._timers.due, self.arrivals.due(self.in_flight)
        return max(0.0, (due if may_begin is None else min(due, may_begin)) - time.monotonic())

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
        self._timers.run(now)
        self._begin_some(now)
        self._delivery.read(self._sockets.poll(min(timeout, self.next_due()) if timeout else 0))

    def _happened(self, slot: int, descriptor: int, event: int) -> None:
        """Something else than bytes for one who is ready."""
        if slot == NOBODY or self._sockets.descriptors[slot] != descriptor:
            return  # it was hung up earlier in this pass
        if event & kernel.OUT:
            self._sockets.flush(slot)
        elif not self._states[slot] & DEAF:
            self._read(slot, READ_BYTES)
        elif event & (kernel.ERR | kernel.HUP):
            self._gone(slot)

    def _read(self, slot: int, most: int) -> None:
        data = self._sockets.read(slot, most)
        if data is not None:
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
            self._sockets.send(slot, answer)

    # --- the beginning of a connection ---------------------------------------------------------------------------

    def _enqueue(self, slot: int) -> None:
        self._states[slot] = QUEUED
        self.arrivals.add(slot)

    def _begin_some(self, now: float) -> None:
        """Whoever's turn it is."""
        while (slot := self.arrivals.take(now, self.in_flight)) != NOBODY:
            if self._states[slot] == QUEUED and not self._sockets.is_open(slot):
                self._begin(slot, now)

    def _begin(self, slot: int, now: float) -> None:
        try:
            endpoint = self._sockets.open(slot)
        except OSError as error:
            self._watcher.failed(error.errno or 0)
            self._come_again(slot, self.arrivals.after_failure(slot))
            return
        self.in_flight += 1
        request = self._members.begin(slot, endpoint, now)
        self._sockets.send(slot, request)  # where the connection is not there yet, this waits until it is

    def is_open(self, slot: int) -> None:
        """Called by the members: the opening is over."""
        self.in_flight -= 1
        self.ready += 1
        self.arrivals.arrived(slot)

    def retry_in(self, slot: int, seconds: float) -> None:
        """Called by the members: somebody was refused for the moment."""
        self.later(seconds, lambda: self._sockets.send(slot, self._speeches.retry(slot)))

    def leave_in(self, slot: int, after: int, window: int) -> None:
        """Called by the members: the server asked for it."""
        life = self._lives[slot]
        self.later(moment_to_leave(after, window, self._chance()), lambda: self._leave(slot, life))

    def _leave(self, slot: int, life: int) -> None:
        """Close as docs/protocol.md asks, unless the connection is another one by now, and come again."""
        if self._lives[slot] == life and self._sockets.is_open(slot):
            self._sockets.send(slot, _GOING_AWAY)
        if self._lives[slot] == life and self._sockets.is_open(slot):
            self._hang_up(slot)
            self._enqueue(slot)

    # --- the end of a connection ---------------------------------------------------------------------------------

    def _gone(self, slot: int) -> None:
        """The server ended it, or never took it."""
        was_ready = bool(self._states[slot] & READY)
        code = self._members.codes.get(slot, 1006)
        self._watcher.closed(code)
        self._hang_up(slot)
        self._come_again(slot, self.arrivals.after_close(slot, code, was_ready))

    def _turned_away(self, slot: int, refused: TurnedAway) -> None:
        self._watcher.refused(refused.status)
        self._hang_up(slot)
        self._come_again(slot, self.arrivals.after_refusal(slot, refused))

    def _come_again(self, slot: int, seconds: float | None) -> None:
        """After so long; None: not any more."""
        if seconds is None:
            self.wanted -= 1
            return
        self._states[slot] = QUEUED
        self.later(seconds, lambda: self._enqueue(slot) if self._states[slot] == QUEUED else None)

    def _hang_up(self, slot: int, *, reset: bool = False) -> None:
        if self._states[slot] & READY:
            self.ready -= 1
        else:
            self.in_flight -= 1
        self._sockets.close(slot, reset=reset)
        self._members.lost(slot)

    def _sweep(self) -> None:
        """Whoever waits for too long hangs up, and comes again."""
        for slot, waited in self._members.overdue(time.monotonic(), self._patience, self._give_up):
            self._watcher.late(self._numbers[slot], waited)
            self._hang_up(slot)
            self._come_again(slot, self.arrivals.after_failure(slot, 0.0))
        self.later(_SWEEP_SECONDS, self._sweep)

    def _slot(self, number: int) -> int:
        return self._numbers.index(number) if self._slots is None else self._slots[number]
