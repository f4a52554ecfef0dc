"""Many websockets in one process: as little Python as a client can be, so that the server is what is measured.

Frames are masked with the key 0, which RFC 6455 allows and which leaves the payload as it is. Nothing is checked
beyond what the figures need: correctness has tests of its own.
"""

from __future__ import annotations

import base64
import itertools
import json
import os
import select
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any

AT_ONCE = 100

_nonces = itertools.count()


class Peer:
    """One connection. `heard` is called with the payload of each text frame."""

    __slots__ = ("_buffer", "heard", "node", "socket", "tag")

    def __init__(self, connected: socket.socket, tag: Any = None) -> None:
        self.socket = connected
        self.tag = tag
        self.heard: Callable[[Peer, bytes], None] = _ignore
        self.node = ""  # of the server that welcomed it
        self._buffer = b""

    def say(self, payload: bytes) -> None:
        self.socket.sendall(masked(payload))

    def post(self) -> None:
        """A message of 100 characters into the room that is its tag, with a nonce of its own."""
        self.say(
            b'{"op":"post","id":1,"room":"%s","nonce":"bench-%d","text":"%s"}'
            % (self.tag.encode(), next(_nonces), b"x" * 100)
        )

    def read(self) -> None:
        """One recv, and every frame that is complete."""
        try:
            data = self.socket.recv(262_144)
        except (BlockingIOError, ssl.SSLWantReadError):
            return
        if not data:
            raise ConnectionResetError("the server closed a connection")
        self._take(self._buffer + data if self._buffer else data)

    def _take(self, data: bytes) -> None:
        position, size = 0, len(data)
        while size - position >= 2:
            length, start = data[position + 1], position + 2
            if length >= 126:
                width = 2 if length == 126 else 8
                if size < start + width:
                    break
                length, start = int.from_bytes(data[start : start + width], "big"), start + width
            if size < start + length:
                break
            if data[position] == 0x81:
                self.heard(self, data[start : start + length])
            elif data[position] == 0x89:
                self.socket.sendall(b"\x8a\x80\0\0\0\0")
            position = start + length
        self._buffer = data[position:]


def _ignore(_peer: Peer, _payload: bytes) -> None:
    pass


def masked(payload: bytes) -> bytes:
    """A client's text frame under the masking key 0."""
    size = len(payload)
    if size < 126:
        return b"\x81" + bytes((0x80 | size,)) + b"\0\0\0\0" + payload
    return b"\x81\xfe" + size.to_bytes(2, "big") + b"\0\0\0\0" + payload


def _upgrade_begun(address: tuple[str, int], tls: ssl.SSLContext | None) -> socket.socket:
    connected = socket.create_connection(address, timeout=30)
    connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if tls is not None:
        connected = tls.wrap_socket(connected, server_hostname=address[0])
    key = base64.b64encode(os.urandom(16)).decode()
    connected.sendall(
        f"GET /v1/ws HTTP/1.1\r\nHost: {address[0]}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n".encode()
    )
    return connected


def _upgrade_ended(connected: socket.socket) -> None:
    head = b""
    while b"\r\n\r\n" not in head:
        head += connected.recv(4096)
    assert head.startswith(b"HTTP/1.1 101"), head


def _await_welcome(peer: Peer) -> None:
    welcomes: list[bytes] = []

    def keep(_peer: Peer, payload: bytes) -> None:
        if payload.startswith(b'{"op":"welcome"'):
            welcomes.append(payload)

    peer.heard = keep
    while not welcomes:
        peer.read()
    peer.heard = _ignore
    peer.node = json.loads(welcomes[0])["node"]


class Crowd:
    """Peers that are read with one epoll."""

    def __init__(self) -> None:
        self.peers: list[Peer] = []
        self._by_descriptor: dict[int, Peer] = {}
        self._epoll = select.epoll()

    def connect(
        self,
        address: tuple[str, int],
        arrivals: Iterable[tuple[str | None, Any]],
        tls: ssl.SSLContext | None = None,
        **hello: Any,
    ) -> list[Peer]:
        """One websocket for each token (with the tag its peer gets), upgraded and welcomed, a hundred at a time.

        Without a token it is upgraded only: that is all other servers know. With `tls` each is under TLS. `hello`: what
        each says in it beside the token.
        """
        waiting, arrived = list(arrivals), list[Peer]()
        while waiting:
            some, waiting = waiting[:AT_ONCE], waiting[AT_ONCE:]
            arrived += self._arrive(address, some, tls, hello)
            self.run(lambda: False, 0)
        return arrived

    def _arrive(
        self,
        address: tuple[str, int],
        some: list[tuple[str | None, Any]],
        tls: ssl.SSLContext | None,
        hello: dict[str, Any],
    ) -> list[Peer]:
        peers = [Peer(_upgrade_begun(address, tls), tag) for _, tag in some]
        for peer, (token, _) in zip(peers, some, strict=True):
            _upgrade_ended(peer.socket)
            if token is not None:
                peer.say(json.dumps({"op": "hello", "token": token} | hello).encode())
        for peer, (token, _) in zip(peers, some, strict=True):
            if token is not None:
                _await_welcome(peer)
            self.add(peer)
        return peers

    def add(self, peer: Peer) -> None:
        peer.socket.setblocking(False)
        self.peers.append(peer)
        self._by_descriptor[peer.socket.fileno()] = peer
        self._epoll.register(peer.socket.fileno(), select.EPOLLIN)

    def run(self, until: Callable[[], bool], seconds: float) -> None:
        """Read until something holds, or the time is up; with no time, what is there."""
        end = time.perf_counter() + seconds
        while not until():
            left = end - time.perf_counter()
            ready = self._epoll.poll(max(0.0, min(left, 0.05)), 512)
            for descriptor, _ in ready:
                self._by_descriptor[descriptor].read()
            if left <= 0 and not ready:
                return

    def leave(self, peers: Iterable[Peer]) -> None:
        """These hang up; the others stay."""
        leaving = set(peers)
        for peer in leaving:
            del self._by_descriptor[peer.socket.fileno()]
            peer.socket.close()
        self.peers = [peer for peer in self.peers if peer not in leaving]

    def close(self) -> None:
        for peer in self.peers:
            peer.socket.close()
        self._epoll.close()


def hear_with(peers: Iterable[Peer], heard: Callable[[Peer, bytes], None]) -> None:
    for peer in peers:
        peer.heard = heard
