"""Thousands of clients in one thread: one epoll, and a socket each.

The rules:
- It does what it is told at once: a thousand who come at the same time begin to connect at the same time. Jitter is a
  virtue of real clients; whoever wants it here spreads the calls.
- Who is refused comes again after the time the server named; who is cut off comes again at once. Nobody is given up.
- Where there are several servers, everybody comes to the next one in turn, the first time and every time again.
- Who does not read is not read for: `deafen` leaves what comes to the kernel, whose buffers are then full.

Clients come from several addresses of 127.0.0.0/8, because one address has about 64,000 ports, and because a server
counts by address. Left out: TLS, and more than one process (a process may open 20,000 files).
"""

from __future__ import annotations

import errno
import heapq
import itertools
import os
import select
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Final

from clients.endpoint import Endpoint
from loadtest.crowd.upgrade import TurnedAway
from loadtest.member import Member, Stage

SOURCES: Final = tuple(f"127.0.1.{number}" for number in range(1, 17))

_READ_BYTES: Final = 256 * 1024
_MOST_EVENTS: Final = 512
_COME_AGAIN_SECONDS: Final = 0.5  # where no server named a time
_BIND_ADDRESS_NO_PORT: Final = 24  # linux/in.h: the port is chosen at connect, so one port serves many targets
_RESET_AT_CLOSE: Final = struct.pack("ii", 1, 0)


class _Line:
    """A member's present socket, and what it did not take yet."""

    __slots__ = ("awaited", "endpoint", "member", "sock", "unsent")

    def __init__(self, sock: socket.socket, member: Member, endpoint: Endpoint) -> None:
        self.sock = sock
        self.member = member
        self.endpoint = endpoint
        self.unsent = b""
        self.awaited = select.EPOLLOUT  # first of all, that it is connected


class Crowd:
    """Members and their sockets.

    Parameters
    ----------
    endpoints
        The server, or several; the host as a numeric IPv4 address.
    sources
        Addresses of this machine to come from, in turn.
    receive_buffer
        SO_RCVBUF of new sockets; None leaves it to the kernel, which lets it grow to megabytes.

    Attributes
    ----------
    refusals
        Upgrades that were answered otherwise, by HTTP status.
    closes
        Connections that the server ended, by close code; 1006 without one.
    """

    def __init__(
        self, *endpoints: Endpoint, sources: Sequence[str] = SOURCES, receive_buffer: int | None = None
    ) -> None:
        self.refusals: Counter[int] = Counter()
        self.closes: Counter[int] = Counter()
        self._endpoints = itertools.cycle(endpoints)
        self._sources = itertools.cycle(sources)
        self._receive_buffer = receive_buffer
        self._epoll = select.epoll()
        self._lines: dict[int, _Line] = {}
        self._of: dict[str, _Line] = {}  # by the member's `who`
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._retrying: set[str] = set()
        self._turns = itertools.count()

    def __enter__(self) -> Crowd:
        return self

    def __exit__(self, *_: object) -> None:
        for line in self._lines.values():
            line.sock.close()
        self._epoll.close()

    # --- what members are told to do -----------------------------------------------------------------------------

    def bring(self, member: Member) -> None:
        """Begin to connect, unless it has a connection. It is `READY` some time later."""
        if member.who in self._of:
            return
        sock = socket.socket(socket.AF_INET, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        sock.setsockopt(socket.IPPROTO_IP, _BIND_ADDRESS_NO_PORT, 1)
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if self._receive_buffer is not None:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, self._receive_buffer)
        sock.bind((next(self._sources), 0))
        endpoint = next(self._endpoints)
        begun = sock.connect_ex((endpoint.host, endpoint.port))
        if begun == errno.ECONNREFUSED:  # there is no server now
            sock.close()
            self.later(_COME_AGAIN_SECONDS, lambda: self.bring(member))
            return
        if begun not in (0, errno.EINPROGRESS):
            sock.close()
            raise OSError(begun, os.strerror(begun))
        line = self._lines[sock.fileno()] = self._of[member.who] = _Line(sock, member, endpoint)
        self._epoll.register(sock.fileno(), line.awaited)

    def drop(self, members: Iterable[Member]) -> None:
        """Cut these off at once, one in two with a reset, the others with an end of stream and nothing before it."""
        for number, member in enumerate(members):
            line = self._of.get(member.who)
            if line is None:
                continue
            if number % 2:
                line.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_AT_CLOSE)
            self._hang_up(line)

    def post(self, member: Member, room: str, text: str) -> None:
        """Let a member say something; see `Member.post`."""
        said = member.post(room, text)
        if said:
            self._send(self._of[member.who], said)

    def deafen(self, member: Member) -> None:
        """Do not read what comes for it."""
        self._await(self._of[member.who], 0)

    def hear(self, member: Member) -> None:
        """Read again."""
        self._await(self._of[member.who], select.EPOLLIN)

    def sip(self, member: Member, most: int) -> None:
        """Read so many bytes at the most for one that was deafened."""
        self._read(self._of[member.who], most)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Call it after so long, while the crowd runs."""
        heapq.heappush(self._later, (time.monotonic() + seconds, next(self._turns), call))

    # --- the loop ------------------------------------------------------------------------------------------------

    def run(self, until: Callable[[], bool], seconds: float) -> bool:
        """Run until something holds; False if it does not in time. It is looked at between batches of events."""
        end = time.monotonic() + seconds
        while not until():
            now = time.monotonic()
            if now >= end:
                return False
            while self._later and self._later[0][0] <= now:
                heapq.heappop(self._later)[2]()
            wake = min(end, self._later[0][0]) if self._later else end
            for descriptor, events in self._epoll.poll(min(max(wake - now, 0.0), 0.05), _MOST_EVENTS):
                line = self._lines.get(descriptor)
                if line is not None:
                    self._happened(line, events)
        return True

    def _happened(self, line: _Line, events: int) -> None:
        if events & select.EPOLLOUT:
            self._writable(line)
        elif line.awaited & select.EPOLLIN:
            self._read(line, _READ_BYTES)
        elif events & (select.EPOLLERR | select.EPOLLHUP):
            self._gone(line)

    def _writable(self, line: _Line) -> None:
        line.awaited = select.EPOLLIN
        self._epoll.modify(line.sock.fileno(), line.awaited)
        unsent, line.unsent = line.unsent, b""
        if line.member.stage is Stage.AWAY:
            unsent = line.member.begin(line.endpoint)
        self._send(line, unsent)

    def _send(self, line: _Line, data: bytes) -> None:
        if line.unsent:
            line.unsent += data
            return
        try:
            sent = line.sock.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self._gone(line)
            return
        if sent < len(data):
            line.unsent = data[sent:]
            self._await(line, line.awaited | select.EPOLLOUT)

    def _await(self, line: _Line, events: int) -> None:
        line.awaited = events
        self._epoll.modify(line.sock.fileno(), events)

    def _read(self, line: _Line, most: int) -> None:
        try:
            data = line.sock.recv(most)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._gone(line)
            return
        try:
            answer = line.member.receive(data)
        except TurnedAway as refused:
            self.refusals[refused.status] += 1
            self._come_again(line, refused.retry_after or _COME_AGAIN_SECONDS)
            return
        if answer:
            self._send(line, answer)
        if line.member.was_refused and line.member.who not in self._retrying:
            self._retrying.add(line.member.who)
            self.later(_COME_AGAIN_SECONDS, lambda: self._retry(line.member))

    def _retry(self, member: Member) -> None:
        self._retrying.discard(member.who)
        said = member.retry()
        if said:
            self._send(self._of[member.who], said)

    # --- the end of a connection ---------------------------------------------------------------------------------

    def _gone(self, line: _Line) -> None:
        """The server ended it, or never took it."""
        self.closes[line.member.closed_with or 1006] += 1
        self._come_again(line, 0.0 if line.member.stage is Stage.READY else _COME_AGAIN_SECONDS)

    def _come_again(self, line: _Line, seconds: float) -> None:
        member = line.member
        self._hang_up(line)
        self.later(seconds, lambda: self.bring(member))

    def _hang_up(self, line: _Line) -> None:
        del self._lines[line.sock.fileno()]
        del self._of[line.member.who]
        line.sock.close()
        line.member.lost()
