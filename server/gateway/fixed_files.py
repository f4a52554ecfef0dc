"""Sockets without descriptors: where a process may open fewer files than it has clients.

Who is connected and welcome is moved into the table of a ring (`ring.py`), and its descriptor closed: so the limit of
open files bounds who is on the way in, and no longer who is here. Fewer workers are needed then for as many clients,
and what a worker costs for itself, and what workers tell each other, is what a client costs beside its own
(docs/figures.md).

The rules:
- A socket that is kept has a number, as one with a descriptor has; all numbers are beyond all descriptors.
- epoll goes on to watch it: what it watches is the file, and lives as long as that. To say something else to epoll of
  one, or to set an option, it gets a descriptor for a moment.
- epoll knows a file by the descriptor under which it was first told of it. That is the same one for all of them, the
  anchor, which stands for one of them at a time.
- What is in a table cannot be lost: everything is closed with the process, or before.

Left out: to accept into a table, and to wait there in place of epoll. Who comes needs a descriptor only for a moment,
and a socket that rests costs no more this way. TLS stays on its descriptor, as OpenSSL reads and writes by itself.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import resource
import select
import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Final

from server.gateway.ring import Ring

log = logging.getLogger("server.gateway.fixed_files")

FILES_EACH: Final = 16_384
"""Sockets in one table, or as many as may be where that is less. A table has eight bytes for each, used or not."""

OTHER_DESCRIPTORS: Final = 200
"""The database, its logs, threads' pipes, the listener, reserve."""

_ADD, _DELETE, _MODIFY = 1, 2, 3  # EPOLL_CTL_…


class _Event(ctypes.Structure):
    """`struct epoll_event`, which is packed on one family of machines alone."""

    _pack_ = 1 if platform.machine() in ("x86_64", "AMD64") else 8
    _fields_ = (("events", ctypes.c_uint32), ("number", ctypes.c_uint64))


_epoll_ctl = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.c_int, ctypes.POINTER(_Event), use_errno=True
)(("epoll_ctl", ctypes.CDLL(None)))


class FixedSocket:
    """A `ByteSocket` that stands in a table.

    Parameters
    ----------
    files
        Where it is kept.
    ring, file
        Of those, which table, and the place in it.
    number
        It has this in place of a descriptor.
    """

    __slots__ = ("_file", "_files", "_number", "_ring")

    def __init__(self, files: FixedFiles, ring: Ring, file: int, number: int) -> None:
        self._files = files
        self._ring = ring
        self._file = file
        self._number = number

    def fileno(self) -> int:
        return self._number

    def recv(self, size: int, /) -> bytes:
        return self._ring.recv(self._file, size)

    def send(self, data: bytes | memoryview, /) -> int:
        return self._ring.send(self._file, data)

    def setsockopt(self, level: int, option: int, value: int | bytes, /) -> None:
        with self._files.borrowed(self._number) as sock:
            sock.setsockopt(level, option, value)

    def shutdown(self, how: int, /) -> None:
        with self._files.borrowed(self._number) as sock:
            sock.shutdown(how)

    def close(self) -> None:
        number, self._number = self._number, -1
        if number >= 0:
            self._files.release(number)
            self._file = -1


class FixedFiles:
    """All that are kept in this process, and what an epoll knows of them.

    Parameters
    ----------
    epoll
        Watches them.
    first
        The first number, beyond all descriptors that there can be.

    Attributes
    ----------
    first
        See there.

    Raises
    ------
    OSError
        The system does not let us have any (`are_possible`).
    """

    __slots__ = ("_anchor", "_each", "_epoll", "_extent", "_free", "_has_complained", "_nothing", "_rings", "first")

    def __init__(self, epoll: select.epoll, first: int) -> None:
        self._epoll = epoll
        self.first = first
        self._each = min(FILES_EACH, first)
        self._rings = [Ring(self._each)]
        self._extent = 0  # places that were ever in use
        self._free: list[int] = []
        self._has_complained = False
        self._nothing = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        self._anchor = os.dup(self._nothing)

    def __len__(self) -> int:
        return self._extent - len(self._free)

    def keep(self, descriptor: int, events: int) -> FixedSocket | None:
        """Take in a socket, and have its `events` told by its number. Its descriptor is the caller's to close.

        Returns
        -------
        FixedSocket or None
            None where there is no room: nothing has changed.
        """
        try:
            place = self._free_place()
        except OSError as error:
            self._complain(error)
            return None
        ring, file = self._rings[place // self._each], place % self._each
        try:
            ring.put(file, descriptor)
            self._tell_epoll(_ADD, descriptor, events, self.first + place)
        except OSError as error:
            log.debug("a socket stays on its descriptor: %s", error)
            self.release(self.first + place)
            return None
        return FixedSocket(self, ring, file, self.first + place)

    def _free_place(self) -> int:
        if self._free:
            return self._free.pop()
        if self._extent == len(self._rings) * self._each:
            self._rings.append(Ring(self._each))
            self._has_complained = False
        self._extent += 1
        return self._extent - 1

    def _complain(self, error: OSError) -> None:
        """Once for as long as it is so, and not for everybody who stays on a descriptor for it."""
        if not self._has_complained:
            self._has_complained = True
            log.warning("no room for another table of sockets, they stay on their descriptors: %s", error)

    def modify(self, number: int, events: int) -> None:
        """Have other events told of it from now on. Raises `OSError` where there is no descriptor for that moment."""
        with self.borrowed(number) as sock:
            self._tell_epoll(_MODIFY, sock.fileno(), events, number)

    def unregister(self, number: int) -> None:
        """Have nothing told of it any more. Where that cannot be done, epoll forgets it when it is closed."""
        with suppress(OSError), self.borrowed(number) as sock:
            self._tell_epoll(_DELETE, sock.fileno(), 0, number)

    def _tell_epoll(self, operation: int, descriptor: int, events: int, number: int) -> None:
        os.dup2(descriptor, self._anchor, inheritable=False)
        try:
            event = _Event(events, number)
            if _epoll_ctl(self._epoll.fileno(), operation, self._anchor, ctypes.byref(event)):
                error = ctypes.get_errno()
                raise OSError(error, os.strerror(error))
        finally:
            os.dup2(self._nothing, self._anchor, inheritable=False)

    @contextmanager
    def borrowed(self, number: int) -> Iterator[socket.SocketType]:
        """It, on a descriptor, for what only those can. Raises `OSError` where there is none."""
        ring, file = self._where(number)
        sock = socket.SocketType(fileno=ring.descriptor_of(file))
        try:
            yield sock
        finally:
            sock.close()

    def release(self, number: int) -> None:
        """Close it. Its number is given out anew."""
        ring, file = self._where(number)
        ring.close_file(file)
        self._free.append(number - self.first)

    def _where(self, number: int) -> tuple[Ring, int]:
        ring, file = divmod(number - self.first, self._each)
        return self._rings[ring], file

    def close(self) -> None:
        for ring in self._rings:
            ring.close()
        os.close(self._anchor)
        os.close(self._nothing)


def are_possible() -> bool:
    """Whether this system lets us keep sockets so."""
    try:
        ring = Ring(1)
    except OSError:
        return False
    try:
        descriptor = os.open(os.devnull, os.O_RDONLY | os.O_CLOEXEC)
        try:
            ring.put(0, descriptor)
        finally:
            os.close(descriptor)
        os.close(ring.descriptor_of(0))
    except OSError:
        return False
    finally:
        ring.close()
    return True


def most_descriptors() -> int:
    """How many files this process may open."""
    most, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return 2**31 if most == resource.RLIM_INFINITY else most


def descriptors_for(connections: int, *, tls: bool = False) -> int:
    """How many of so many sockets may be open as descriptors: all of them where they may, or where there is no other
    way, as under TLS. Where this process may open very few files, half of them are for other things.
    """
    files = most_descriptors()
    most = files - min(OTHER_DESCRIPTORS, files // 2)
    return most if connections > most and not tls and are_possible() else connections
