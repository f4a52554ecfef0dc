"""Who is compared: each a server with 200 connections, and a way to make it tell all of them one thing.

All connections of all contestants are read by one crowd, so that pings of those whose turn it is not are answered.
"""

from __future__ import annotations

import contextlib
import itertools
import json
import os
import shutil
import socket
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

from tests.bench.crowd import Crowd, Peer, hear_with
from tests.bench.gateway.figures import NODE, OURS, OVER_TLS, PASSING, WEBSOCKETS
from tests.bench.seed import People
from tests.bench.stage import python, served, started
from tests.harness.authority import Authority

MEMBERS = 200
HERE = Path(__file__).parent
WS_PACKAGE = Path("build") / "peers" / "node_modules" / "ws"

ROOMS = 16
"""Of the same 200 people: of whom each may be seen typing in each room once in three seconds."""
TYPING_SECONDS = 3.1


@dataclass
class Contestant:
    """One server under one kind of load.

    Attributes
    ----------
    ask
        Makes the server tell everyone one thing.
    opening
        What each such thing begins with, as the members get it.
    receivers
        How many get it.
    rest
        Waits until `most` things may be asked again.
    most
        How many may be asked without a rest.
    """

    name: str
    pid: int
    peers: list[Peer]
    ask: Callable[[], None]
    opening: bytes
    receivers: int = MEMBERS
    rest: Callable[[], None] = lambda: None
    most: int = 1_000_000


class Typists:
    """Everyone types in every room in turn, and nobody sooner than the server passes on again."""

    def __init__(self, peers: list[Peer], rooms: tuple[str, ...]) -> None:
        turns = [(peer, b'{"op":"typing","room":"%s"}' % room.encode()) for room in rooms for peer in peers]
        self.most = len(turns)
        self._turns = itertools.cycle(turns)
        self._last = 0.0

    def type(self) -> None:
        peer, command = next(self._turns)
        peer.say(command)
        self._last = time.perf_counter()

    def rest(self) -> None:
        time.sleep(max(0.0, self._last + TYPING_SECONDS - time.perf_counter()))


@contextlib.contextmanager
def hubbub(crowd: Crowd, folder: Path) -> Iterator[tuple[Contestant, Contestant]]:
    """This project's server: telling what it has committed, and what is not stored."""
    with served(folder, [MEMBERS], rooms_each=ROOMS) as (server, people):
        peers = crowd.connect(server.address, people.arrivals())
        pid, typists = server.process.pid, Typists(peers, _rooms(people))
        yield (
            Contestant(OURS, pid, peers, peers[0].post, b'{"op":"message"'),
            Contestant(
                PASSING, pid, peers, typists.type, b'{"op":"typing"', MEMBERS - 1,
                rest=typists.rest, most=typists.most,
            ),
        )  # fmt: skip


@contextlib.contextmanager
def over_tls(crowd: Crowd, folder: Path, authority: Authority) -> Iterator[Contestant]:
    """This project's server under TLS, telling what it has committed."""
    with served(folder, [MEMBERS], authority=authority) as (server, people):
        peers = crowd.connect(server.address, people.arrivals(), authority.trusting())
        yield Contestant(OVER_TLS, server.process.pid, peers, peers[0].post, b'{"op":"message"')


def _rooms(people: People) -> tuple[str, ...]:
    return people.rooms[0][0].rooms


@contextlib.contextmanager
def loop(crowd: Crowd, name: str, size: int) -> Iterator[Contestant]:
    """The floor: a bare loop of `send`, with frames of `size` bytes."""
    script = HERE.parent / "floor.py"
    with started(*python(script, MEMBERS, size)) as (process, address):
        peers = [Peer(socket.create_connection(address)) for _ in range(MEMBERS)]
        for peer in peers:
            crowd.add(peer)
        yield Contestant(name, process.pid, peers, lambda: _nudge(peers[0]), b"x")


def _nudge(peer: Peer) -> None:
    peer.socket.send(b"!")


@contextlib.contextmanager
def broadcasting(crowd: Crowd, name: str, command: list[str], text: bytes) -> Iterator[Contestant]:
    """A peer that tells everyone what anyone says: here, always `text`."""
    with started(*command) as (process, address):
        peers = crowd.connect(address, [(None, None)] * MEMBERS)
        yield Contestant(name, process.pid, peers, lambda: peers[0].say(text), text[:20])


def broadcasters() -> dict[str, list[str]]:
    """The peers that are installed, and the commands that start them."""
    found = {WEBSOCKETS: python(HERE / "websockets_server.py")}
    node = shutil.which("node")
    if node and WS_PACKAGE.exists():
        found[NODE] = [node, str(HERE / "ws_server.js"), os.fspath(WS_PACKAGE.resolve())]
    return found


def versions() -> dict[str, str]:
    """The peers that are installed, and which version of each."""
    found = {WEBSOCKETS: metadata.version("websockets")}
    if NODE in broadcasters():
        found[NODE] = json.loads((WS_PACKAGE / "package.json").read_text())["version"]
    return found


def event_of(crowd: Crowd, contestant: Contestant) -> bytes:
    """One thing as the members get it."""
    events: list[bytes] = []

    def keep(_peer: Peer, payload: bytes) -> None:
        if payload.startswith(contestant.opening):
            events.append(payload)

    contestant.rest()
    hear_with(contestant.peers, keep)
    contestant.ask()
    crowd.run(lambda: len(events) >= contestant.receivers, 10)
    return events[0]


def frame_bytes(payload: bytes) -> int:
    """Bytes on the wire of a server's frame with this payload, which is below 64 KiB."""
    return len(payload) + (2 if len(payload) < 126 else 4)
