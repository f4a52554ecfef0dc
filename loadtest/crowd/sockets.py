"""The sockets of a crowd: a bare descriptor for each client, one epoll for all, and what the kernel did not take yet.

Who does not read (`DEAF`) is not waited for: what comes stays in the kernel, whose buffers are then full. Nothing here
knows what the bytes are, nor what follows from the end of a connection: whoever holds the sockets is told of it.
"""

from __future__ import annotations

import os
from array import array
from collections.abc import Callable
from typing import Final

from clients.endpoint import Endpoint
from loadtest.crowd import kernel
from loadtest.crowd.doors import Doors, reset_at_close
from loadtest.crowd.standing import DEAF, NOBODY, Standing

NO_DESCRIPTOR: Final = -1
_MOST_EVENTS: Final = 512


class Sockets:
    """Of each client, by slot: a descriptor, or none.

    Parameters
    ----------
    broken
        Told why a read or a write failed; `BlockingIOError` is nothing. It may close the socket.

    Attributes
    ----------
    descriptors
        By slot; `NO_DESCRIPTOR`.
    slot_of
        By descriptor; `NOBODY`.
    """

    def __init__(self, doors: Doors, standing: Standing, broken: Callable[[int, OSError], None]) -> None:
        self.descriptors = array("i", [NO_DESCRIPTOR]) * len(standing.numbers)
        self.slot_of = array("i")
        self._doors = doors
        self._states = standing.states
        self._broken = broken
        self._epoll = kernel.Epoll()
        self._unsent: dict[int, bytearray] = {}

    def fileno(self) -> int:
        """The epoll's descriptor."""
        descriptor: int = self._epoll.fileno()
        return descriptor

    def poll(self, timeout: float) -> list[tuple[int, int]]:
        """Descriptors for which something came, and what; waits so many seconds for it."""
        events: list[tuple[int, int]] = self._epoll.poll(timeout, _MOST_EVENTS)
        return events

    def is_open(self, slot: int) -> bool:
        return self.descriptors[slot] != NO_DESCRIPTOR

    # --- beginning and end ---------------------------------------------------------------------------------------

    def open(self, slot: int) -> Endpoint:
        """Begin a connection: to which server.

        Raises
        ------
        OSError
            It cannot be: there is no server, no port, or no descriptor left.
        """
        descriptor, endpoint = self._doors.open()
        while len(self.slot_of) <= descriptor:
            self.slot_of.append(NOBODY)
        self.slot_of[descriptor] = slot
        self.descriptors[slot] = descriptor
        self._epoll.register(descriptor, kernel.IN)
        return endpoint

    def close(self, slot: int, *, reset: bool = False) -> None:
        """`reset`: the other side gets one, and nothing before it."""
        descriptor = self.descriptors[slot]
        if reset:
            reset_at_close(descriptor)
        self.descriptors[slot] = NO_DESCRIPTOR
        self.slot_of[descriptor] = NOBODY
        self._unsent.pop(slot, None)
        os.close(descriptor)

    def close_all(self) -> None:
        """And the epoll."""
        for slot, descriptor in enumerate(self.descriptors):
            if descriptor != NO_DESCRIPTOR:
                self.close(slot)
        self._epoll.close()

    # --- bytes ---------------------------------------------------------------------------------------------------

    def read(self, slot: int, most: int) -> bytes | None:
        """What came, empty at its end; None if nothing did, or it broke."""
        try:
            return os.read(self.descriptors[slot], most)
        except OSError as error:
            self._broken(slot, error)
            return None

    def send(self, slot: int, data: bytes) -> None:
        """At once, or as soon as the kernel takes it; nothing to who has no connection."""
        if not data or not self.is_open(slot):
            return
        unsent = self._unsent.get(slot)
        if unsent is not None:
            unsent += data
            return
        sent = self._write(slot, data)
        if sent < len(data):
            self._unsent[slot] = bytearray(data[sent:])
            self.attend(slot)

    def flush(self, slot: int) -> None:
        """The kernel takes more."""
        unsent = self._unsent[slot]
        del unsent[: self._write(slot, unsent)]
        if not unsent:
            self._unsent.pop(slot, None)
            if self.is_open(slot):
                self.attend(slot)

    def attend(self, slot: int) -> None:
        """Wait for what it is to be waited for now."""
        hearing = 0 if self._states[slot] & DEAF else kernel.IN
        self._epoll.modify(self.descriptors[slot], hearing | (kernel.OUT if slot in self._unsent else 0))

    def _write(self, slot: int, data: bytes | bytearray) -> int:
        """How much of it the kernel took; all of it, where there is nobody to take it any more."""
        try:
            return os.write(self.descriptors[slot], data)
        except BlockingIOError:
            return 0
        except OSError as error:
            self._broken(slot, error)
            return len(data)
