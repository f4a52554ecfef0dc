"""The reactor: one trio task that waits for all websockets of the process, and tells their connections.

It waits on an epoll descriptor of its own, nested in trio's, so an idle websocket costs no task and nothing in
trio.

The rules:
- Level-triggered; one bounded `recv` per socket and pass; what it took is one message. Until that message was handled
  the socket gives no other, so what lies unhandled in memory is one chunk a connection.
- A pass only tells. Sockets are closed by their connections, on the scheduler, between two passes; so no descriptor can
  be closed and given out anew within a batch of events.
- EPOLLOUT is asked for while bytes wait, and for one event at a time.
- A paused socket that reports HUP or ERR is taken off at once: both are always reported, and it would spin.
- What has no living owner is closed at its next event, and everything is closed when the reactor ends.
- Where the process may open fewer files than it may have clients, who is welcome is kept without a descriptor
  (`fixed_files.py`), and has a number beyond all of these.
- Where many workers share the processors, who is not welcome yet stands in a lobby: an epoll descriptor of its own, at
  which a crowd is looked at now and then, and not for each of them. To wake up costs such a worker more than what it
  then does for one of them (docs/figures.md), and nobody who is inside waits for it.

Descriptors are small and dense, so what is known of them stands in lists by descriptor: 25 bytes a socket. What is
said below of descriptors is meant of those other numbers, too.
Left out: edge-triggering (it starves neighbours or needs a list of unfinished ones).
"""

from __future__ import annotations

import select
import socket
from array import array
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Protocol

import trio

from actors import Address, TaskContext
from server.gateway.byte_socket import ByteSocket
from server.gateway.fixed_files import FixedFiles, FixedSocket, most_descriptors
from server.gateway.limits import RECEIVE_BYTES
from server.gateway.messages import Signal

_MOST_EVENTS: Final = 512  # of one pass: about 2 ms of work before the actors get their turn
_CROWD: Final = 16  # in the lobby: fewer need not wait

_READING: Final = 1  # EPOLLIN is asked for
_WRITING: Final = 2  # EPOLLOUT is asked for
_TOLD: Final = 4  # a chunk was told and is not handled yet
_GONE: Final = 8  # off epoll, waiting to be forgotten by its owner
_NEW: Final = 16  # in the lobby
_ALL_FLAGS: Final = 31


class Watch(Protocol):
    """What has to be told of the events that are wanted: an epoll, or who speaks to it for others."""

    def modify(self, number: int, events: int, /) -> None: ...

    def unregister(self, number: int, /) -> None: ...


@dataclass(frozen=True, slots=True)
class ReactorStatistics:
    """How many sockets there are, have no descriptor, are not read at the moment, and wait to be writable."""

    registered: int
    kept: int
    paused: int
    waiting_to_write: int


class Reactor:
    """The sockets of all connections. Its methods are called in the trio thread, by the connections themselves.

    Parameters
    ----------
    lobby_seconds
        Between two looks at a crowd of those who are not welcome yet; 0: they wait for nothing.
    keeps
        Whether those who are welcome are kept without descriptors.
    """

    __slots__ = (
        "_epoll", "_flags", "_heard", "_kept", "_lobby", "_lobby_seconds", "_newcomers", "_owners", "_sockets",
        "registered",
    )  # fmt: skip

    def __init__(self, lobby_seconds: float = 0.0, *, keeps: bool = False) -> None:
        self._epoll = select.epoll()
        self._kept = FixedFiles(self._epoll, most_descriptors()) if keeps else None
        self._lobby = select.epoll() if lobby_seconds else self._epoll
        self._lobby_seconds = lobby_seconds
        self._newcomers = 0
        self._sockets: list[ByteSocket | None] = []
        self._owners: list[Address | None] = []
        self._heard = array("d")
        self._flags = bytearray()
        self.registered = 0

    async def run(self, context: TaskContext) -> None:
        """The task. Closes every socket at its end: nothing outlives it."""
        context.started()
        try:
            async with trio.open_nursery() as nursery:
                if self._lobby is not self._epoll:
                    nursery.start_soon(self._look_into_lobby)
                while True:
                    await trio.lowlevel.wait_readable(self._epoll.fileno())
                    self._pass(trio.current_time())
        finally:
            self._close_all()

    async def _look_into_lobby(self) -> None:
        while True:
            await trio.lowlevel.wait_readable(self._lobby.fileno())
            self._pass(trio.current_time(), self._lobby)
            if self._newcomers >= _CROWD:
                await trio.sleep(self._lobby_seconds)

    # --- called by connections -----------------------------------------------------------------------------------

    def register(self, sock: ByteSocket, owner: Address) -> None:
        """Read from `sock` (non-blocking) from now on, in the name of `owner`, who is not welcome yet.

        Raises
        ------
        OSError
            The kernel has no room for another watched descriptor.
        """
        descriptor = sock.fileno()
        self._lobby.register(descriptor, select.EPOLLIN)
        self._enter(sock, owner, trio.current_time(), _READING)
        if self._lobby is not self._epoll:
            self._flags[descriptor] |= _NEW
            self._newcomers += 1

    def _enter(self, sock: ByteSocket, owner: Address | None, heard: float, flags: int) -> None:
        descriptor = sock.fileno()
        missing = descriptor + 1 - len(self._sockets)
        if missing > 0:
            self._sockets.extend([None] * missing)
            self._owners.extend([None] * missing)
            self._heard.extend([0.0] * missing)
            self._flags.extend(bytes(missing))
        self._sockets[descriptor] = sock
        self._owners[descriptor] = owner
        self._heard[descriptor] = heard
        self._flags[descriptor] = flags
        self.registered += 1

    def settle(self, sock: ByteSocket) -> ByteSocket:
        """Its owner is welcome: it stands in the lobby no longer. Harmless where it did not.

        Returns
        -------
        ByteSocket
            What stands for it from now on, perhaps with another number. Where that is another one, `sock` is closed.
        """
        descriptor = sock.fileno()
        flags, watch = self._flags[descriptor], self._watch_of(descriptor)
        if flags & _NEW:
            self._leave_lobby(descriptor)
        if flags & _GONE:
            return sock
        kept = self._keep(sock, flags)
        if kept is not None:
            watch.unregister(descriptor)
            self._move(sock, kept)
            return kept
        if flags & _NEW:
            watch.unregister(descriptor)
            self._epoll.register(descriptor, _events_for(flags))
        return sock

    def _keep(self, sock: ByteSocket, flags: int) -> FixedSocket | None:
        """Only what has no more to it than its descriptor has: what TLS knows of a socket is its own."""
        if self._kept is None or not isinstance(sock, socket.SocketType):
            return None
        return self._kept.keep(sock.fileno(), _events_for(flags))

    def _move(self, sock: ByteSocket, kept: FixedSocket) -> None:
        descriptor = sock.fileno()
        self._enter(kept, self._owners[descriptor], self._heard[descriptor], self._flags[descriptor])
        self._clear(descriptor)
        sock.close()

    def unregister(self, sock: ByteSocket) -> None:
        """Forget `sock`. To be called before it is closed; harmless where it was not registered."""
        descriptor = sock.fileno()
        if 0 <= descriptor < len(self._sockets) and self._sockets[descriptor] is sock:
            self._forget(descriptor)

    def has_told(self, sock: ByteSocket) -> bool:
        """Whether a chunk was told that is not handled."""
        return bool(self._flags[sock.fileno()] & _TOLD)

    def taken(self, sock: ByteSocket) -> None:
        """The chunk that was told is handled: the next one may come."""
        self._flags[sock.fileno()] &= ~_TOLD

    def pause(self, sock: ByteSocket) -> None:
        """Do not read: the kernel's window will slow the sender. Its silence clock stands still."""
        self._ask(sock.fileno(), self._flags[sock.fileno()] & ~_READING)

    def resume(self, sock: ByteSocket) -> None:
        """Read again. Harmless where it was not paused."""
        descriptor = sock.fileno()
        if not self._flags[descriptor] & _READING:
            self._heard[descriptor] = trio.current_time()
            self._ask(descriptor, self._flags[descriptor] | _READING)

    def await_writable(self, sock: ByteSocket) -> None:
        """Tell the owner `WRITABLE` once, as soon as the socket takes bytes."""
        self._ask(sock.fileno(), self._flags[sock.fileno()] | _WRITING)

    # --- for the heartbeat sweep, the drain, and operators -------------------------------------------------------

    @property
    def kept(self) -> int:
        """How many have no descriptor."""
        return 0 if self._kept is None else len(self._kept)

    @property
    def extent(self) -> int:
        """All descriptors are below this one."""
        return len(self._sockets)

    def silences(self, first: int, most: int, least: float, now: float) -> Iterator[tuple[int, Address, float]]:
        """Who has been silent for `least` seconds among `most` descriptors from `first` on: with the silence in
        seconds.

        A socket that is not read cannot be heard: its clock is moved on instead.
        """
        heard, flags, owners = self._heard, self._flags, self._owners
        for descriptor in range(first, min(first + most, len(owners))):
            owner = owners[descriptor]
            if owner is None:
                continue
            if not flags[descriptor] & _READING:
                heard[descriptor] = now
            elif now - heard[descriptor] >= least:
                yield descriptor, owner, now - heard[descriptor]

    def begin_silences(self, first: int, most: int, step: int, now: float) -> Iterator[Address]:
        """The owners of every `step`-th socket among `most` descriptors from `first` on: their clocks begin anew, as if
        something had been heard of them.
        """
        heard, owners = self._heard, self._owners
        for descriptor in range(first, min(first + most, len(owners)), step):
            owner = owners[descriptor]
            if owner is not None:
                heard[descriptor] = now
                yield owner

    def owners(self) -> Iterator[Address]:
        """The owners of all sockets, by descriptor. Sockets may come and go between two steps: whoever comes behind
        the walk is passed over.
        """
        descriptor = 0
        while descriptor < len(self._owners):
            owner = self._owners[descriptor]
            if owner is not None:
                yield owner
            descriptor += 1

    def close(self, descriptor: int) -> None:
        """Close the socket under this descriptor itself: its owner is gone, or the reactor ends."""
        sock = self._sockets[descriptor]
        if sock is not None:
            self._forget(descriptor)
            sock.close()

    def statistics(self) -> ReactorStatistics:
        return ReactorStatistics(
            registered=self.registered,
            kept=self.kept,
            paused=self.registered - self._flagged(_READING),
            waiting_to_write=self._flagged(_WRITING),
        )

    def _flagged(self, flag: int) -> int:
        """How many sockets have it: counted by value, which takes microseconds for tens of thousands."""
        return sum(self._flags.count(value) for value in range(_ALL_FLAGS + 1) if value & flag)

    # --- a pass --------------------------------------------------------------------------------------------------

    def _pass(self, now: float, epoll: select.epoll | None = None) -> None:
        for descriptor, events in (epoll or self._epoll).poll(0, _MOST_EVENTS):
            flags = self._flags[descriptor]
            if events & select.EPOLLOUT:
                flags &= ~_WRITING
                self._ask(descriptor, flags)
                self._tell(descriptor, Signal.WRITABLE)
            if events & ~select.EPOLLOUT and not flags & _TOLD:
                if flags & _READING:
                    self._receive(descriptor, now)
                else:
                    self._hang_up(descriptor)

    def _receive(self, descriptor: int, now: float) -> None:
        sock = self._sockets[descriptor]
        if sock is None:
            return
        try:
            data = sock.recv(RECEIVE_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._hang_up(descriptor)
            return
        self._heard[descriptor] = now
        self._flags[descriptor] |= _TOLD
        self._tell(descriptor, data)

    def _hang_up(self, descriptor: int) -> None:
        """Nothing more will come: take it off epoll, which would report it for ever, and leave the rest to its
        owner.
        """
        self._ask(descriptor, None)
        self._tell(descriptor, Signal.HUNG_UP)

    def _tell(self, descriptor: int, message: bytes | Signal) -> None:
        """The mailbox cannot refuse: a connection has at most one of each of these under way."""
        owner = self._owners[descriptor]
        if owner is not None and not owner.answer(message):
            self.close(descriptor)

    def _ask(self, descriptor: int, flags: int | None) -> None:
        """Ask epoll for what `flags` say; None: for nothing at all, not even errors."""
        before = self._flags[descriptor]
        if before & _GONE:
            return
        watch = self._watch_of(descriptor)
        if flags is None:
            self._flags[descriptor] = before | _GONE
            watch.unregister(descriptor)
            return
        self._flags[descriptor] = flags
        if (before ^ flags) & (_READING | _WRITING):
            try:
                watch.modify(descriptor, _events_for(flags))
            except OSError:  # out of descriptors, or of memory: it would wait for ever, or spin
                self._hang_up(descriptor)

    def _watch_of(self, descriptor: int) -> Watch:
        """Who watches it, and has to be told what for."""
        if self._flags[descriptor] & _NEW:
            return self._lobby
        return self._epoll if self._kept is None or descriptor < self._kept.first else self._kept

    def _leave_lobby(self, descriptor: int) -> None:
        self._flags[descriptor] &= ~_NEW
        self._newcomers -= 1

    def _forget(self, descriptor: int) -> None:
        self._ask(descriptor, None)
        if self._flags[descriptor] & _NEW:
            self._leave_lobby(descriptor)
        self._clear(descriptor)

    def _clear(self, descriptor: int) -> None:
        self._sockets[descriptor] = self._owners[descriptor] = None
        self._flags[descriptor] = 0
        self.registered -= 1

    def _close_all(self) -> None:
        for descriptor in range(len(self._sockets)):
            self.close(descriptor)
        if self._kept is not None:
            self._kept.close()
        self._lobby.close()
        self._epoll.close()


def _events_for(flags: int) -> int:
    return (select.EPOLLIN if flags & _READING else 0) | (select.EPOLLOUT if flags & _WRITING else 0)
