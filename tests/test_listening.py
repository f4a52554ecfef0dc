"""Listening sockets: where they are, and what is wrong with those that cannot be had."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from server.listening import PortTrouble, open_listener, open_listeners, url_of


@pytest.mark.parametrize(
    ("host", "shown"),
    [("127.0.0.1", "127.0.0.1"), ("0.0.0.0", "127.0.0.1"), ("localhost", "127.0.0.1"), ("::1", "[::1]")],
)
def test_the_url_is_one_a_browser_here_can_open(host: str, shown: str) -> None:
    try:
        listener = open_listener(host, 0)
    except PortTrouble:
        pytest.skip("this machine has no such address")
    with listener:
        name, _, port = url_of(listener).removeprefix("http://").rpartition(":")
        assert name in {shown, "[::1]"}
        with socket.create_connection((name.strip("[]"), int(port)), timeout=10):
            pass


def test_a_port_can_be_taken_again_at_once() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
            accepted, _ = listener.accept()
            accepted.close()
            assert client.recv(1) == b""
    with open_listener("127.0.0.1", port):
        pass


def test_two_cannot_listen_on_one_port() -> None:
    with open_listener("127.0.0.1", 0) as listener:
        port = listener.getsockname()[1]
        with pytest.raises(PortTrouble, match=str(port)):
            open_listener("127.0.0.1", port)


@pytest.mark.parametrize("host", ["192.0.2.1", "no such host", "a" * 300])
def test_an_address_that_is_not_ours_is_named(host: str) -> None:
    with pytest.raises(PortTrouble) as caught:
        open_listener(host, 0)
    assert host in str(caught.value)


def test_several_share_a_port_that_nobody_else_can_have() -> None:
    with closing_all(open_listeners("127.0.0.1", 0, 3)) as listeners:
        ports = {listener.getsockname()[1] for listener in listeners}
        assert len(ports) == 1
        with pytest.raises(PortTrouble, match="in use"):
            open_listeners("127.0.0.1", ports.pop(), 3)


def test_connects_are_spread_over_all_that_share_a_port() -> None:
    with closing_all(open_listeners("127.0.0.1", 0, 3)) as listeners, ExitStack() as opened:
        for _ in range(60):
            opened.enter_context(socket.create_connection(listeners[0].getsockname(), timeout=10))
        for listener in listeners:
            listener.settimeout(10)
            opened.enter_context(listener.accept()[0])


@contextmanager
def closing_all(listeners: list[socket.socket]) -> Iterator[list[socket.socket]]:
    with ExitStack() as opened:
        for listener in listeners:
            opened.enter_context(listener)
        yield listeners
