"""Who of the workers is to be started, told to leave, or killed, and when. Pure: it is told what happened, at which
time, and says what follows; `parent.py` does it.

The rules:
- A worker that ends without having been told to is started again, after a wait; one that ends too often ends all,
  unless others are older than this parent: its new code may be what is wrong, and they still serve.
- Until one has served, an operator's mistake (a worker says so by its exit code) ends all at once.
- Only a few are starting at a time, because those that share a core keep each other from getting ready; until one has
  served it is one at a time, so that a mistake is one line.
- Rolling replaces one worker after the other: its successor starts beside it, and only when that one is ready the old
  one is told to leave; the next has its turn when it has left. Gateways go first, so that rooms move once. If a
  successor ends before it is ready, all that are still old stay.
- Stopping, gateways leave first and owners when no gateway is left: whoever leaves slowly can still write. SIGINT is
  told to everybody at once. Who does not end in time is killed.
"""

from __future__ import annotations

import signal
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from server.parent.place import Role
from server.parent.processes import in_words
from server.parent.restarting import BACKOFF, Restarts


@dataclass(frozen=True, slots=True)
class Start:
    """A worker for this place."""

    index: int


@dataclass(frozen=True, slots=True)
class Tell:
    """A signal for this process."""

    pid: int
    signal: signal.Signals


@dataclass(frozen=True, slots=True)
class Note:
    """Something for the log.

    Parameters
    ----------
    is_trouble
        Somebody should have a look.
    """

    text: str
    index: int
    pid: int
    is_trouble: bool = False


@dataclass(frozen=True, slots=True)
class AllServe:
    """For the first time, every place has a worker that serves."""


@dataclass(frozen=True, slots=True)
class Rolled:
    """Every worker is a new one; or not, and then `failure` says why."""

    failure: str | None = None


Effect = Start | Tell | Note | AllServe | Rolled


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds.

    Parameters
    ----------
    start
        From its fork until a worker has to be ready.
    leave
        From the signal until a worker has to have ended.
    """

    start: float = 60.0
    leave: float = 10.0


@dataclass(slots=True)
class Worker:
    """A process. `is_new`: this parent has started it, and not the one before (see `handing_over.py`)."""

    pid: int
    since: float
    is_ready: bool = False
    is_new: bool = True
    told_at: float | None = None
    is_killed: bool = False


@dataclass(slots=True)
class Slot:
    """A place for one worker, and who is in it: one that serves or starts, one that will follow it, one that leaves."""

    index: int
    role: Role
    current: Worker | None = None
    successor: Worker | None = None
    leaving: Worker | None = None
    due: float | None = None
    restarts: Restarts = field(default_factory=Restarts)

    def workers(self) -> Iterator[Worker]:
        return (worker for worker in (self.current, self.successor, self.leaving) if worker is not None)

    @property
    def serves(self) -> bool:
        return self.current is not None and self.current.is_ready


@dataclass(frozen=True, slots=True)
class Failure:
    """Why all were stopped although nobody had asked for it.

    Parameters
    ----------
    line
        For the operator; empty where the worker has said it.
    code
        To end with.
    """

    line: str
    code: int


class Crew:
    """All workers of a parent.

    Parameters
    ----------
    roles
        One for each place.
    at_once
        How many may be starting.
    mistakes
        Exit codes of a worker that mean: an operator has to change something first.

    Attributes
    ----------
    failure
        See there; None while all is well, and when somebody asked for a stop.
    """

    def __init__(
        self, roles: Sequence[Role], times: Times, at_once: int = 4, mistakes: frozenset[int] = frozenset()
    ) -> None:
        self._slots = [Slot(index, role) for index, role in enumerate(roles)]
        self._times = times
        self._at_once = at_once
        self._mistakes = mistakes
        self._one_has_served = False
        self._all_have_served = False
        self._rolling: list[Slot] = []
        self._stopping = False
        self.failure: Failure | None = None

    # What can be asked.

    @property
    def is_over(self) -> bool:
        """Everybody was told to leave, and has left."""
        return self._stopping and not self.pids()

    @property
    def is_steady(self) -> bool:
        """Every place has one worker, which serves."""
        alone = all(slot.serves and slot.successor is None and slot.leaving is None for slot in self._slots)
        return alone and not self._stopping

    def pids(self) -> list[int]:
        """Of all processes there are."""
        return [worker.pid for slot in self._slots for worker in slot.workers()]

    def serving(self) -> list[tuple[int, int]]:
        """Index and process id of each worker that serves."""
        return [(slot.index, slot.current.pid) for slot in self._slots if slot.current and slot.current.is_ready]

    def next_due(self) -> float | None:
        """When `pass_time` has something to do, if nothing happens before."""
        return min(self._dues(), default=None)

    # What is told, and what follows from it.

    def begin(self, now: float) -> list[Effect]:
        """Start everybody."""
        for slot in self._slots:
            slot.due = now
        return self.pass_time(now)

    def take_over(self, workers: Iterable[tuple[int, int]], now: float) -> list[Effect]:
        """Replace serving workers (index and process id), which another parent started, one by one."""
        self._one_has_served = self._all_have_served = True
        for index, pid in workers:
            self._slots[index].current = Worker(pid, now, is_ready=True, is_new=False)
        for slot in self._slots:
            slot.due = now if slot.current is None else None
        self._rolling = sorted(self._slots, key=lambda slot: slot.role is Role.OWNER)
        return self.pass_time(now)

    def started(self, index: int, pid: int, now: float) -> None:
        """What `Start` asked for was done."""
        slot, worker = self._slots[index], Worker(pid, now)
        if slot.current is None:
            slot.current = worker
        else:
            slot.successor = worker

    def is_ready(self, pid: int, now: float) -> list[Effect]:
        """A worker serves."""
        slot, worker = self._find(pid)
        worker.is_ready = True
        effects: list[Effect] = [Note("a worker serves", slot.index, pid)]
        self._one_has_served = True
        if worker is slot.successor:
            slot.current, slot.successor, slot.leaving = worker, None, slot.current
            assert slot.leaving is not None
            effects += self._tell([slot.leaving], signal.SIGTERM, now)
        if not self._all_have_served and all(slot.serves for slot in self._slots):
            self._all_have_served = True
            effects.append(AllServe())
        return effects + self.pass_time(now)

    def ended(self, pid: int, code: int, now: float) -> list[Effect]:
        """A process has ended, with this exit code, negative for a signal."""
        slot, worker = self._find(pid)
        if worker is slot.leaving:
            slot.leaving = None
        elif worker is slot.successor:
            slot.successor = None
        else:
            slot.current, slot.successor = slot.successor, None
        if worker.told_at is not None:
            effects: list[Effect] = [Note("a worker has left", slot.index, pid)]
        else:
            effects = self._after_crash(slot, worker, code, now)
        return effects + self._let_owners_go(now) + self.pass_time(now)

    def stop(self, number: signal.Signals, now: float) -> list[Effect]:
        """Let everybody leave."""
        if self._stopping:
            return []
        self._stopping = True
        self._rolling = []
        for slot in self._slots:
            slot.due = None
        if number == signal.SIGINT:
            return self._tell(self._of(Role), number, now)
        return self._tell(self._of([Role.GATEWAY]), number, now) + self._let_owners_go(now)

    def pass_time(self, now: float) -> list[Effect]:
        """What is due."""
        return [*self._kill_late(now), *self._start_due(now), *self._roll_on()]

    # Inside.

    def _find(self, pid: int) -> tuple[Slot, Worker]:
        return next((slot, worker) for slot in self._slots for worker in slot.workers() if worker.pid == pid)

    def _of(self, roles: Iterable[Role]) -> list[Worker]:
        wanted = set(roles)
        return [worker for slot in self._slots if slot.role in wanted for worker in slot.workers()]

    def _tell(self, workers: Iterable[Worker], number: signal.Signals, now: float) -> list[Effect]:
        """Once: a second signal would end them on the spot."""
        effects: list[Effect] = []
        for worker in workers:
            if worker.told_at is None:
                worker.told_at = now
                effects.append(Tell(worker.pid, number))
        return effects

    def _let_owners_go(self, now: float) -> list[Effect]:
        if self._stopping and not self._of([Role.GATEWAY]):
            return self._tell(self._of([Role.OWNER]), signal.SIGTERM, now)
        return []

    def _after_crash(self, slot: Slot, worker: Worker, code: int, now: float) -> list[Effect]:
        note = Note(f"a worker has ended: {in_words(code)}", slot.index, worker.pid, is_trouble=True)
        if not worker.is_ready and slot.current is not None:  # it was to follow an old one
            self._rolling = []
            return [note, Rolled(f"worker {slot.index} did not start: {in_words(code)}")]
        if slot.current is not None:  # its successor is there already
            return [note]
        if not self._one_has_served and code in self._mistakes:
            return self.give_up(Failure("", code), now)
        if self._stopping:
            return [note]
        wait = slot.restarts.after(now)
        if wait is None and any(not each.is_new for each in self._of(Role)):
            wait = BACKOFF.longest
        if wait is None:
            line = f"worker {slot.index} ended again and again, the last time with {in_words(code)}"
            return [note, *self.give_up(Failure(line, 1), now)]
        slot.due = now + wait
        return [note]

    def give_up(self, failure: Failure, now: float) -> list[Effect]:
        self.failure = failure
        return self.stop(signal.SIGTERM, now)

    def _late_at(self, worker: Worker) -> float | None:
        """When it is killed."""
        if worker.is_killed or (worker.is_ready and worker.told_at is None):
            return None
        return worker.since + self._times.start if worker.told_at is None else worker.told_at + self._times.leave

    def _kill_late(self, now: float) -> Iterator[Effect]:
        for slot in self._slots:
            for worker in slot.workers():
                late_at = self._late_at(worker)
                if late_at is not None and late_at <= now:
                    worker.is_killed = True
                    what = "start" if worker.told_at is None else "leave"
                    yield Note(f"a worker takes too long to {what}", slot.index, worker.pid, is_trouble=True)
                    yield Tell(worker.pid, signal.SIGKILL)

    def _start_due(self, now: float) -> list[Effect]:
        due = [slot for slot in self._slots if slot.due is not None and slot.due <= now][: self._may_start()]
        for slot in due:
            slot.due = None
        return [Start(slot.index) for slot in due]

    def _may_start(self) -> int:
        starting = sum(not worker.is_ready for worker in self._of(Role))
        return max(0, (self._at_once if self._one_has_served else 1) - starting)

    def _roll_on(self) -> list[Effect]:
        if not self._rolling:
            return []
        if any(slot.successor or slot.leaving for slot in self._slots):
            return []
        while self._rolling:
            slot = self._rolling[0]
            if not slot.serves:  # it crashed meanwhile: its successor is a new one
                return []
            assert slot.current is not None
            if not slot.current.is_new:
                return [Start(slot.index)]
            del self._rolling[0]
        return [Rolled()]

    def _dues(self) -> Iterator[float]:
        if self._may_start():
            yield from (slot.due for slot in self._slots if slot.due is not None)
        for worker in self._of(Role):
            late_at = self._late_at(worker)
            if late_at is not None:
                yield late_at
