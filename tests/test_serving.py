"""Listening sockets: where they are, and what is wrong with those that cannot be had."""

from __future__ import annotations

import socket

import pytest

from server.serving import PortTrouble, open_listener, url_of


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
