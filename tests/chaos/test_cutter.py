"""A cable that is cut lets nothing through, and forgets nothing."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import closing

import pytest

from tests.chaos.cables import Cables


def _echo(listener: socket.socket) -> None:
    while True:
        try:
            client, _ = listener.accept()
        except OSError:
            return
        with client:
            while data := client.recv(1_000):
                client.sendall(data)


@pytest.fixture
def echo() -> Iterator[int]:
    """The port of a server that says everything back, to one client after the other."""
    listener = socket.create_server(("127.0.0.1", 0))
    thread = threading.Thread(target=_echo, args=(listener,), daemon=True)
    thread.start()
    yield listener.getsockname()[1]
    listener.shutdown(socket.SHUT_RDWR)
    listener.close()
    thread.join(5)


def test_what_is_said_over_a_cut_cable_comes_when_it_is_healed(echo: int) -> None:
    with Cables([("127.0.0.1", echo)]) as cables, closing(_connect(cables.ports[0])) as client:
        client.sendall(b"before")
        assert client.recv(100) == b"before"
        cables.cut(0)
        client.sendall(b"meanwhile")
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.recv(100)
        cables.heal(0)
        client.settimeout(10)
        assert client.recv(100) == b"meanwhile"


def test_the_other_cable_is_not_touched(echo: int) -> None:
    with Cables([("127.0.0.1", echo)] * 2) as cables:
        cables.cut(0)
        with closing(_connect(cables.ports[1])) as client:
            client.sendall(b"hello")
            assert client.recv(100) == b"hello"


def test_the_end_of_one_side_is_the_end_of_the_other(echo: int) -> None:
    with Cables([("127.0.0.1", echo)]) as cables, closing(_connect(cables.ports[0])) as client:
        client.sendall(b"bye")
        assert client.recv(100) == b"bye"
        client.shutdown(socket.SHUT_WR)
        assert client.recv(100) == b""


def _connect(port: int) -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=10)
