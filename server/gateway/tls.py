"""TLS on a socket: the face of a plain one, so that whoever sends and receives need not know.

An `ssl.SSLSocket` with its exceptions translated. OpenSSL works on the descriptor itself: nothing is copied through
buffers of ours, an idle connection keeps no buffer at all, and one costs 15 KB more than a plain one. The rules:
- What OpenSSL has read and not handed out nobody would tell of, so `recv` asks for a record whole. Beyond the record it
  is reading, OpenSSL takes nothing from the kernel (it does not read ahead unless told to).
- A record that the kernel did not take whole has to be offered again as it was (`SSL_write` insists). It is kept, and
  counts as sent but for its last byte: so the caller comes back, and begins behind what cannot be unsaid.
- Nothing is renegotiated, so reading never has to write nor writing to read: who makes them is hung up on. (A key
  update of TLS 1.3 is answered with the next record.)
Left out: kernel TLS, which would spare a copy; Python's `ssl` cannot ask for it.
"""

from __future__ import annotations

import socket
import ssl
from contextlib import suppress
from typing import Any, Final

import trio

RECORD_BYTES: Final = 16 * 1024
"""Of data in one record, at most (RFC 8446, section 5.1)."""

_MOST_RECORDS: Final = 16
"""Handed out together: what a client says at once is handled at once, but not ten thousand records of one byte."""

HANDSHAKE_RECORD: Final = 0x16
"""The first byte of every TLS connection (RFC 8446, section 5.1), and of no HTTP request."""

INTERNAL_ERROR_ALERT: Final = bytes((0x15, 3, 3, 0, 2, 2, 80))
"""A fatal alert (RFC 8446, section 6) in plain: "not now", for whom no handshake will be done."""


class TlsFailed(OSError):
    """The handshake failed, by the peer's fault or wish; the message says how."""


class TlsSocket:
    """A `ByteSocket` over an `ssl.SSLSocket` whose handshake is over."""

    __slots__ = ("_tls", "_unsent")

    def __init__(self, tls: ssl.SSLSocket) -> None:
        self._tls = tls
        self._unsent: bytes | None = None  # a record that was begun

    def fileno(self) -> int:
        return self._tls.fileno()

    def getsockname(self) -> tuple[Any, ...]:
        """The address it was reached at, as the system gives it."""
        address: tuple[Any, ...] = self._tls.getsockname()
        return address

    def setsockopt(self, level: int, option: int, value: int | bytes, /) -> None:
        self._tls.setsockopt(level, option, value)

    def recv(self, size: int, /) -> bytes:
        """The next records that have come: up to `size` bytes and, for the rest of the last one, a few more."""
        try:
            data = self._tls.recv(RECORD_BYTES)
        except ssl.SSLWantReadError:
            raise BlockingIOError from None
        with suppress(OSError):  # nothing more has come; or something is wrong, and the next call will say so again
            for _ in range(_MOST_RECORDS - 1):
                if not data or len(data) >= size:
                    break
                data += self._tls.recv(RECORD_BYTES)
        return data

    def send(self, data: bytes | memoryview, /) -> int:
        if self._unsent is None and len(data) <= RECORD_BYTES:  # nearly always: without a detour
            try:
                return self._tls.send(data)
            except ssl.SSLWantWriteError:
                return self._keep(data)
        return self._send_records(memoryview(data))

    def _send_records(self, view: memoryview) -> int:
        sent = 0
        if self._unsent is not None:
            try:
                self._tls.send(self._unsent)
            except ssl.SSLWantWriteError:
                raise BlockingIOError from None
            self._unsent = None
            sent = 1
        while sent < len(view):
            record = view[sent : sent + RECORD_BYTES]
            try:
                sent += self._tls.send(record)
            except ssl.SSLWantWriteError:
                return sent + self._keep(record)
        return sent

    def _keep(self, record: bytes | memoryview) -> int:
        """The kernel did not take all of `record`: how many bytes of it count as sent."""
        self._unsent = bytes(record)
        return len(record) - 1

    def shutdown(self, how: int, /) -> None:
        """Say that we end, without waiting for the peer to say so too.

        After this `recv` tells whether the peer goes on, but not what it says: that stays encrypted.
        """
        if self._unsent is None:
            with suppress(OSError, ValueError):  # ours has left; that the peer's has not come yet is no fault
                self._tls.unwrap()
        self._tls.shutdown(how)

    def close(self) -> None:
        self._tls.close()


class TlsStream:
    """The same for a task, which may wait: what `http_connection.py` needs of a trio stream.

    Attributes
    ----------
    socket
        What it reads and writes. Whoever goes on without a task takes it from here.
    """

    __slots__ = ("socket",)

    def __init__(self, socket: TlsSocket) -> None:
        self.socket = socket

    async def receive_some(self, max_bytes: int) -> bytes:
        """What has come, at the latest when something comes. Raises `trio.BrokenResourceError`."""
        while True:
            await trio.lowlevel.checkpoint()
            try:
                return self.socket.recv(max_bytes)
            except BlockingIOError:
                await trio.lowlevel.wait_readable(self.socket)
            except OSError as error:
                raise trio.BrokenResourceError from error

    async def send_all(self, data: bytes) -> None:
        """Raises `trio.BrokenResourceError`."""
        await trio.lowlevel.checkpoint()
        rest = memoryview(data)
        while rest:
            try:
                rest = rest[self.socket.send(rest) :]
            except BlockingIOError:
                await trio.lowlevel.wait_writable(self.socket)
            except OSError as error:
                raise trio.BrokenResourceError from error

    async def send_eof(self) -> None:
        """Raises `trio.BrokenResourceError`."""
        await trio.lowlevel.checkpoint()
        try:
            self.socket.shutdown(socket.SHUT_WR)
        except OSError as error:
            raise trio.BrokenResourceError from error


async def begins_tls(stream: trio.SocketStream) -> bool:
    """Whether the peer opens with TLS; nothing is taken of what it says. Waits for the first byte.

    Raises
    ------
    trio.BrokenResourceError
        There is no first byte.
    """
    try:
        first = await stream.socket.recv(1, socket.MSG_PEEK)
    except OSError as error:
        raise trio.BrokenResourceError from error
    if not first:
        raise trio.BrokenResourceError("the peer left without a word")
    return first[0] == HANDSHAKE_RECORD


async def secured(stream: trio.SocketStream, context: ssl.SSLContext, turns: trio.CapacityLimiter) -> TlsStream:
    """Do the handshake of the server's side, and go on over TLS.

    The socket is taken out of `stream`, and closed where this fails.

    Parameters
    ----------
    turns
        How many may calculate before the others get theirs: a step takes up to two milliseconds of the processor.

    Raises
    ------
    TlsFailed
    """
    plain = socket.socket(fileno=stream.socket.detach())
    plain.setblocking(False)
    try:
        tls = context.wrap_socket(plain, server_side=True, do_handshake_on_connect=False)
    except OSError as error:
        raise TlsFailed(f"the peer left: {error}") from None
    try:
        await _shake_hands(tls, turns)
    except OSError as error:
        tls.close()
        raise TlsFailed(getattr(error, "reason", None) or str(error)) from None
    except BaseException:
        tls.close()
        raise
    return TlsStream(TlsSocket(tls))


async def _shake_hands(tls: ssl.SSLSocket, turns: trio.CapacityLimiter) -> None:
    while True:
        try:
            async with turns:
                tls.do_handshake()
        except ssl.SSLWantReadError:
            await trio.lowlevel.wait_readable(tls)
        except ssl.SSLWantWriteError:
            await trio.lowlevel.wait_writable(tls)
        else:
            return
