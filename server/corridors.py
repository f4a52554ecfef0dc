"""Corridors: by which a worker hands an open socket to another one of the same parent, with a few words about it.

The parent makes a pair of sockets for each worker before any is forked: everybody has the outlets, and each worker its
own inlet. So nobody connects to anybody, what was handed over waits for the successor of a worker that has died, and
where the parent has ended for good the kernel closes what nobody has taken.

The rules:
- A message is a datagram with one descriptor (SCM_RIGHTS, unix(7)): it arrives whole or not at all.
- Each set of corridors has a number of its own. A program that takes the parent's place makes new ones, and workers of
  the one before read from theirs until they are replaced: whoever hands something over looks first which ones the other
  reads from (`Turns.takes_in`).
- Nothing waits here. A corridor that is full, or that nobody has the other end of, takes nothing, and whoever wanted to
  hand something over keeps it.
"""

from __future__ import annotations

import array
import os
import secrets
import socket
from collections.abc import Sequence
from typing import Final

MOST_BYTES: Final = 8 * 1024
"""Of the words: a corridor holds some 160 messages of a few hundred bytes each, and long ones take that room from
others."""
_CLOEXEC: Final = getattr(socket, "MSG_CMSG_CLOEXEC", 0x40000000)  # Linux, include/linux/socket.h
_DESCRIPTOR_BYTES: Final = array.array("i").itemsize


class Corridors:
    """Those into all workers of a parent, in the order of the workers.

    Parameters
    ----------
    pairs
        For each worker the end where it takes in, and the end where others hand over.

    Attributes
    ----------
    generation
        Of no others: four bytes, never 0.
    """

    __slots__ = ("_inlets", "_outlets", "generation")

    def __init__(self, pairs: Sequence[tuple[socket.socket, socket.socket]]) -> None:
        self._inlets = [inlet for inlet, _ in pairs]
        self._outlets = [outlet for _, outlet in pairs]
        self.generation = secrets.randbits(32) or 1

    def __len__(self) -> int:
        return len(self._inlets)

    def inlet(self, index: int) -> socket.socket:
        """Of this worker: readable while something waits in it."""
        return self._inlets[index]

    def keep_only(self, index: int) -> None:
        """In a worker: the inlets of others are theirs."""
        for other, inlet in enumerate(self._inlets):
            if other != index:
                inlet.close()

    def hand_over(self, index: int, words: bytes, descriptor: int) -> bool:
        """Give a copy of this descriptor to a worker; the original stays open. False: it was not taken."""
        if len(words) > MOST_BYTES:
            return False
        try:
            socket.send_fds(self._outlets[index], [words], [descriptor])
        except OSError:
            return False
        return True

    def close(self) -> None:
        for each in (*self._inlets, *self._outlets):
            each.close()


def corridors_for(workers: int) -> Corridors:
    """As many as there are workers."""
    pairs = [socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM) for _ in range(workers)]
    for pair in pairs:
        for each in pair:
            each.setblocking(False)
    return Corridors(pairs)


def take_from(inlet: socket.socket) -> tuple[bytes, int]:
    """The words, and the descriptor, which is the caller's from now on; -1: it was lost, for want of descriptors here.

    Raises `BlockingIOError` where nothing waits.
    """
    words, ancillary, _flags, _address = inlet.recvmsg(MOST_BYTES, socket.CMSG_SPACE(_DESCRIPTOR_BYTES), _CLOEXEC)
    descriptors = array.array("i")
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == socket.SCM_RIGHTS:
            descriptors.frombytes(data[: len(data) - len(data) % _DESCRIPTOR_BYTES])
    for more in descriptors[1:]:
        os.close(more)
    return words, descriptors[0] if descriptors else -1
