"""Whose turn it is to let people in, among workers that share a port: the kernel is told, and nobody asks.

By itself the kernel spreads connects over the listeners of a port (SO_REUSEPORT) by a hash of the addresses. In a crowd
that wakes every worker for every few of them, each time with cold caches: over 17 workers on two processors a connect
cost 2.1 ms of the server, and 0.9 when each worker lets in 64 before the next does (docs/figures.md).

The rules:
- A worker that has let in its portion passes the turn on to the next whose door is open. Who has fewer people than the
  others takes more in its turn, so that one that was started anew fills up; who has far more is passed over, as long as
  others have room and time, so that all are filled alike.
- When few come, everyone who comes is the next worker's, as nothing is gained then.
- The parent alone says whose door is open (`parent/porter.py`). If none is, the kernel spreads as ever.
- A turn is a hint, and no lock: whoever stands at any door is let in there. If two pass it on at once, or its holder
  dies between two lines, people only come to another door than they would have.

What workers know of each other lies in memory that they share: numbers of four bytes at places of their own, each with
one writer. The selection is a classic BPF program of one instruction, which needs no privilege: "return this number".
"""

from __future__ import annotations

import ctypes
import errno
import logging
import mmap
import os
import socket
from collections.abc import Iterable
from itertools import chain
from typing import Final

log = logging.getLogger("server.turns")

PORTION: Final = 64
"""People in a turn. 32 cost 16 % more for each, 128 and 256 as much or more (20,000 people, 17 workers)."""
MOST_MORE: Final = 448
"""In a turn of somebody who is behind the others."""
FAR_AHEAD: Final = 256
"""People more than the others have: what turns of unlike length come to by themselves is less."""
FEW_SECONDS: Final = 0.02
"""Between two who come: then they are few."""

_ATTACH: Final = getattr(socket, "SO_ATTACH_REUSEPORT_CBPF", 51)  # Linux, include/uapi/asm-generic/socket.h
_DETACH: Final = getattr(socket, "SO_DETACH_REUSEPORT_BPF", 68)
_RETURN_A_CONSTANT: Final = 0x06  # BPF_RET | BPF_K
_UNACKED: Final = 24  # of `struct tcp_info`: of a socket that listens, its queue
_INFO_BYTES: Final = _UNACKED + 4
_STAMP_BYTES: Final = 8
_NUMBERS: Final = 6  # for each door, of four bytes each


def is_over(taken: int, people: int, mean: float, gap: float) -> bool:
    """Whether a turn is: pure.

    Parameters
    ----------
    taken
        How many were let in since the turn was passed on the last time.
    people
        How many are here.
    mean
        How many are with a worker, on average.
    gap
        Seconds since anybody was let in anywhere.
    """
    return gap >= FEW_SECONDS or taken >= PORTION + min(max(0.0, mean - people), MOST_MORE)


def is_far_ahead(people: int, mean: float) -> bool:
    """Whether somebody with so many people lets others go first: pure."""
    return people > mean + FAR_AHEAD


class Turns:
    """What all workers of a parent share, and how the kernel hears of it.

    Parameters
    ----------
    memory
        A descriptor of memory that was made with `memory_for`.
    doors
        How many workers there are, each with a listener; in the order in which these began to listen.

    Attributes
    ----------
    memory
        See there. Whoever takes the parent's place needs it.
    let_in_at
        When anybody was let in the last time, in seconds of the monotonic clock; for whoever lets in next.
    is_open, is_reached
        For each door, the parent's to say: whether people are to come there; and whether its worker serves and is not
        held to hang, so that who is handed over to it is taken in, though perhaps not at once.
    is_full, people, let_in, takes_in
        For each door, its worker's to say: that nobody can be let in, or not now, until the parent has it tried again;
        how many are behind it; how many were ever let in, modulo 2^32; from which corridors it takes people in
        (`server/corridors.py`), 0: from none.
    """

    __slots__ = ("doors", "is_full", "is_open", "is_reached", "let_in", "let_in_at", "memory", "people", "takes_in")

    def __init__(self, memory: int, doors: int) -> None:
        self.memory = memory
        self.doors = doors
        size = _size(doors)
        if os.fstat(memory).st_size != size:
            raise ValueError(f"memory for other than {doors} doors")
        shared = memoryview(mmap.mmap(memory, size))
        self.let_in_at = shared[:_STAMP_BYTES].cast("d")
        numbers = shared[_STAMP_BYTES:].cast("I")
        rows = (numbers[i * doors : (i + 1) * doors] for i in range(_NUMBERS))
        self.is_open, self.is_full, self.people, self.let_in, self.takes_in, self.is_reached = rows

    def after(self, index: int) -> int | None:
        """The next door that is open, None if no other is: rather one that has room, and of those rather one whose
        worker is not far ahead of the others."""
        others = [each for each in (*range(index + 1, self.doors), *range(index)) if self.is_open[each]]
        with_room = [each for each in others if not self.is_full[each]]
        mean = self.mean_people()
        going_first = (each for each in with_room if not is_far_ahead(self.people[each], mean))
        return next(chain(going_first, with_room, others), None)

    def mean_people(self) -> float:
        """Behind a door that is open."""
        behind = [people for people, is_open in zip(self.people, self.is_open, strict=True) if is_open]
        return sum(behind) / len(behind) if behind else 0.0


def memory_for(doors: int) -> int:
    """A descriptor of memory in which every door is shut."""
    memory = os.memfd_create("turns", os.MFD_CLOEXEC)
    os.ftruncate(memory, _size(doors))
    return memory


def _size(doors: int) -> int:
    return _STAMP_BYTES + _NUMBERS * 4 * doors


class Door:
    """A worker's own: counts whom it lets in, and passes the turn on.

    Parameters
    ----------
    listener
        This worker's, among those that share the port.
    """

    __slots__ = ("_index", "_listener", "_taken", "_turns")

    def __init__(self, turns: Turns, index: int, listener: socket.socket) -> None:
        self._turns = turns
        self._index = index
        self._listener = listener
        self._taken = 0

    def let_in(self, some: int, people: int, now: float, *, is_full: bool = False) -> None:
        """`some` more were, and now there are `people`.

        Parameters
        ----------
        now
            In seconds of the system's monotonic clock, which all workers have in common.
        is_full
            Next to nobody more can be let in, so whoever comes is to come elsewhere.
        """
        turns, index = self._turns, self._index
        gap = now - turns.let_in_at[0]
        turns.let_in_at[0] = now
        self.has(people)
        turns.is_full[index] = is_full
        turns.let_in[index] = (turns.let_in[index] + some) & 0xFFFFFFFF
        self._taken += some
        if self._taken >= PORTION or gap >= FEW_SECONDS or is_full:
            self._look_round(people, gap, is_full=is_full)

    def has(self, people: int, *, is_full: bool = False) -> None:
        """So many are here now. To be said now and then: nobody hears of those who have left."""
        self._turns.people[self._index] = people
        if is_full:
            self._turns.is_full[self._index] = True

    def takes_in(self, generation: int) -> None:
        """From the corridors of this generation, from now on; 0: from none."""
        self._turns.takes_in[self._index] = generation

    def pause(self) -> None:
        """Here nobody is let in for a while, so it is rather somebody else's turn than this one's soon again."""
        self._turns.is_full[self._index] = True
        self._pass_on()

    def _pass_on(self) -> None:
        self._taken = 0
        following = self._turns.after(self._index)
        if following is not None:
            send_to(self._listener, following)

    def _look_round(self, people: int, gap: float, *, is_full: bool) -> None:
        if is_full or is_over(self._taken, people, self._turns.mean_people(), gap):
            self._pass_on()


class _Instruction(ctypes.Structure):
    _fields_ = (("code", ctypes.c_uint16), ("jt", ctypes.c_uint8), ("jf", ctypes.c_uint8), ("k", ctypes.c_uint32))


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("first", ctypes.POINTER(_Instruction)))


def send_to(listener: socket.socket, index: int | None) -> None:
    """Whoever connects from now on comes to the listener with this number; None: as the kernel likes.

    Where the kernel cannot be told (before Linux 4.5, or where a sandbox forbids it), it does as it likes.
    """
    try:
        if index is None:
            listener.setsockopt(socket.SOL_SOCKET, _DETACH, 0)
        else:
            instruction = _Instruction(_RETURN_A_CONSTANT, 0, 0, index)
            program = _Program(1, ctypes.pointer(instruction))
            listener.setsockopt(socket.SOL_SOCKET, _ATTACH, bytes(program))
    except OSError as error:
        if error.errno != errno.ENOENT:  # there was nothing to take back
            log.debug("the kernel spreads connects as it likes: %s", error)


def waiting_at(listener: socket.socket) -> int:
    """How many have connected, and nobody has let them in."""
    return int.from_bytes(listener.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, _INFO_BYTES)[_UNACKED:], "little")


def open_those(turns: Turns, indices: Iterable[int], behind: Iterable[int] = ()) -> None:
    """These doors, and no others. Workers `behind` others are reached as well, behind a door that is shut."""
    opened, slow = set(indices), set(behind)
    for index in range(turns.doors):
        turns.is_open[index] = index in opened
        turns.is_reached[index] = index in opened or index in slow
