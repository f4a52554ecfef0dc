"""Sockets without descriptors, one by one: over real ones, and a real epoll."""

from __future__ import annotations

import os
import select
import socket
import struct
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest

from server.gateway import fixed_files
from server.gateway.fixed_files import FixedFiles, FixedSocket, are_possible, descriptors_for, most_descriptors
from server.gateway.messages import Signal
from server.gateway.reactor import Reactor
from server.gateway.ring import BUFFER_BYTES, Ring
from tests.gateway.rings import NEEDS_RINGS
from tests.gateway.test_reactor import Owner

pytestmark = NEEDS_RINGS

FIRST = 1_000_000


class Shelf:
    """Kept sockets, their epoll, and their peers."""

    def __init__(self, opened: ExitStack) -> None:
        self.epoll = opened.enter_context(select.epoll())
        self.files = FixedFiles(self.epoll, FIRST)
        opened.callback(self.files.close)
        self._opened = opened
        self._listening = opened.enter_context(socket.create_server(("127.0.0.1", 0)))

    def pair(self) -> tuple[socket.SocketType, socket.socket]:
        """Ours, and the peer's."""
        peer = self._opened.enter_context(socket.create_connection(self._listening.getsockname()))
        descriptor, _ = self._listening._accept()  # type: ignore[attr-defined]
        ours = socket.SocketType(fileno=descriptor)
        ours.setblocking(False)
        return ours, peer

    def keep(self, events: int = select.EPOLLIN) -> tuple[FixedSocket, socket.socket]:
        ours, peer = self.pair()
        kept = self.files.keep(ours.fileno(), events)
        assert kept is not None
        ours.close()
        peer.settimeout(5)
        return kept, peer


@pytest.fixture
def shelf() -> Iterator[Shelf]:
    with ExitStack() as opened:
        yield Shelf(opened)


def descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_who_is_kept_speaks_and_hears_and_has_no_descriptor(shelf: Shelf) -> None:
    before = descriptors()
    kept, peer = shelf.keep()
    assert descriptors() == before + 1, "the peer's"
    assert kept.fileno() == FIRST
    assert kept.send(b"from here") == 9
    assert peer.recv(100) == b"from here"
    peer.send(b"from there")
    assert shelf.epoll.poll(5) == [(FIRST, select.EPOLLIN)]
    assert kept.recv(4) == b"from"
    assert kept.recv(BUFFER_BYTES) == b" there"
    with pytest.raises(BlockingIOError):
        kept.recv(100)


def test_what_the_kernel_does_not_take_is_not_counted_as_sent(shelf: Shelf) -> None:
    kept, peer = shelf.keep()
    said = os.urandom(3 * BUFFER_BYTES)
    sent = kept.send(said)
    assert 0 < sent <= BUFFER_BYTES
    with suppress(BlockingIOError):
        while sent < 64 << 20:
            sent += kept.send(memoryview(said)[: BUFFER_BYTES + 1])
    assert sent < 64 << 20
    heard = 0
    while heard < sent:
        heard += len(peer.recv(1 << 20))
    assert kept.send(b"again") == 5


def test_other_events_may_be_asked_for_and_none(shelf: Shelf) -> None:
    kept, peer = shelf.keep(0)
    other, _ = shelf.keep()
    peer.send(b"unheard")
    assert shelf.epoll.poll(0.05) == []
    shelf.files.modify(kept.fileno(), select.EPOLLIN | select.EPOLLOUT)
    assert shelf.epoll.poll(5) == [(kept.fileno(), select.EPOLLIN | select.EPOLLOUT)]
    shelf.files.modify(kept.fileno(), select.EPOLLIN)
    assert shelf.epoll.poll(5) == [(kept.fileno(), select.EPOLLIN)]
    shelf.files.unregister(kept.fileno())
    peer.close()
    assert shelf.epoll.poll(0.05) == []
    assert other.send(b"x") == 1


def test_closed_it_is_the_end_for_the_peer_and_its_number_is_free(shelf: Shelf) -> None:
    kept, peer = shelf.keep()
    kept.close()
    kept.close()
    assert peer.recv(1) == b""
    assert (kept.fileno(), len(shelf.files)) == (-1, 0)
    with pytest.raises(OSError, match="Bad file descriptor"):
        kept.send(b"too late")
    again, _ = shelf.keep()
    assert again.fileno() == FIRST
    assert shelf.epoll.poll(0.05) == []


def test_it_ends_its_side_or_resets(shelf: Shelf) -> None:
    kept, peer = shelf.keep()
    kept.shutdown(socket.SHUT_WR)
    assert peer.recv(1) == b""
    peer.send(b"still here")
    assert shelf.epoll.poll(5)
    assert kept.recv(100) == b"still here"
    other, others_peer = shelf.keep()
    other.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    other.close()
    with pytest.raises(ConnectionResetError):
        others_peer.recv(1)


def test_a_table_that_is_full_is_followed_by_another(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    shelf.files.close()
    monkeypatch.setattr(fixed_files, "FILES_EACH", 2)
    shelf.files = FixedFiles(shelf.epoll, FIRST)
    kept = [shelf.keep() for _ in range(5)]
    assert [sock.fileno() - FIRST for sock, _ in kept] == [0, 1, 2, 3, 4]
    for number, (sock, peer) in enumerate(kept):
        sock.send(b"%d" % number)
        assert peer.recv(10) == b"%d" % number
        peer.send(b"%d" % number)
    assert sorted(number - FIRST for number, _ in shelf.epoll.poll(5)) == [0, 1, 2, 3, 4]
    assert [sock.recv(10) for sock, _ in kept] == [b"0", b"1", b"2", b"3", b"4"]
    kept[1][0].close()
    kept[3][0].close()
    assert len(shelf.files) == 3
    assert {shelf.keep()[0].fileno() - FIRST for _ in range(2)} == {1, 3}
    shelf.files.close()
    assert kept[4][1].recv(1) == b"", "everything ends with its table"
    shelf.files = FixedFiles(shelf.epoll, FIRST)


def test_where_there_is_no_room_nothing_has_changed(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    ours, peer = shelf.pair()

    def full(_ring: Ring, _file: int, _descriptor: int) -> None:
        raise OSError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr(Ring, "put", full)
        assert shelf.files.keep(ours.fileno(), select.EPOLLIN) is None
    assert len(shelf.files) == 0
    assert ours.send(b"still here") == 10
    assert peer.recv(100) == b"still here"
    assert shelf.files.keep(ours.fileno(), select.EPOLLIN) is not None
    ours.close()


def test_where_no_table_can_be_had_it_is_said_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    shelf.files.close()
    monkeypatch.setattr(fixed_files, "FILES_EACH", 1)
    shelf.files = FixedFiles(shelf.epoll, FIRST)
    shelf.keep()
    ours, _ = shelf.pair()

    def none(_files: int) -> Ring:
        raise OSError("no memory")

    with monkeypatch.context() as patched:
        patched.setattr(fixed_files, "Ring", none)
        for _ in range(3):
            assert shelf.files.keep(ours.fileno(), select.EPOLLIN) is None
    assert caplog.text.count("no room for another table") == 1
    assert len(shelf.files) == 1
    assert shelf.files.keep(ours.fileno(), select.EPOLLIN) is not None
    ours.close()


async def test_whom_nothing_can_be_asked_for_any_more_is_hung_up_on(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else somebody who cannot be written to would wait for ever, or epoll tell of him without end."""
    reactor, owner = Reactor(keeps=True), Owner()
    ours, peer = shelf.pair()
    reactor.register(ours, owner)  # type: ignore[arg-type]
    kept = reactor.settle(ours)
    assert reactor.statistics().kept == 1

    def no_descriptor(_ring: Ring, _file: int) -> int:
        raise OSError("out of descriptors")

    with monkeypatch.context() as patched:
        patched.setattr(Ring, "descriptor_of", no_descriptor)
        reactor.await_writable(kept)
        assert owner.told == [Signal.HUNG_UP]
        reactor.unregister(kept)
    kept.close()
    assert peer.recv(1) == b""
    reactor._pass(1.0)
    assert (reactor.registered, reactor.kept) == (0, 0)
    reactor._close_all()


async def test_where_it_is_kept_all_goes_on_that_was_asked_for(shelf: Shelf) -> None:
    """Out of a lobby, paused, with bytes that wait, and a chunk that nobody has taken yet."""
    reactor, owner = Reactor(lobby_seconds=0.03, keeps=True), Owner()
    ours, peer = shelf.pair()
    reactor.register(ours, owner)  # type: ignore[arg-type]
    peer.send(b"hello")
    assert select.select([ours], [], [], 5)[0]
    reactor._pass(1.0, reactor._lobby)
    reactor.pause(ours)
    reactor.await_writable(ours)
    kept = reactor.settle(ours)
    assert (ours.fileno(), kept.fileno()) == (-1, most_descriptors())
    assert reactor.settle(kept) is kept
    assert reactor.has_told(kept)
    assert (reactor.registered, reactor.statistics().paused, reactor.statistics().waiting_to_write) == (1, 1, 1)
    peer.send(b"more")
    reactor._pass(2.0)
    assert owner.told == [b"hello", Signal.WRITABLE]
    reactor.taken(kept)
    reactor.resume(kept)
    reactor._pass(3.0)
    assert owner.told == [b"hello", Signal.WRITABLE, b"more"]
    ((number, _owner, silence),) = reactor.silences(0, reactor.extent, 4.0, 7.0)
    assert (number, silence) == (kept.fileno(), 4.0)
    reactor._close_all()
    assert peer.recv(1) == b""


def test_descriptors_are_enough_where_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fixed_files, "most_descriptors", lambda: 1_000)
    assert [descriptors_for(number) for number in (100, 800, 801, 10_000)] == [100, 800, 800, 800]
    assert descriptors_for(10_000, tls=True) == 10_000
    monkeypatch.setattr(fixed_files, "most_descriptors", lambda: 128)
    assert descriptors_for(100) == 64
    monkeypatch.setattr(fixed_files, "are_possible", lambda: False)
    assert descriptors_for(10_000) == 10_000


def test_a_system_that_allows_none_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    assert are_possible()

    def forbidden(_ring: Ring, _files: int) -> None:
        raise PermissionError("kernel.io_uring_disabled")

    before = descriptors()
    monkeypatch.setattr(Ring, "__init__", forbidden)
    assert not are_possible()
    assert descriptors() == before
