"""What the kernel tells of its memory for TCP: of real sockets whose peers do not read, and of files as they may be."""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack
from pathlib import Path

import pytest

from server.tcp_memory import TcpLimits, tcp_limits, tcp_pages

UNREAD = 1_500
"""Far more pages than the kernel keeps back on a few processors before it adds them up."""

NEEDS_PROC = pytest.mark.skipif(tcp_pages() is None, reason="the kernel does not tell")


@NEEDS_PROC
def test_each_socket_that_is_not_read_holds_a_page() -> None:
    """Others use this machine too, and what they hold comes and goes: one of some tries has to show it."""
    assert any(_grown_by_unread_sockets() >= UNREAD * 3 // 4 for _ in range(20))


def _grown_by_unread_sockets() -> int:
    with ExitStack() as opened:
        listening = opened.enter_context(socket.create_server(("127.0.0.1", 0), backlog=16))
        pairs = []
        for _ in range(UNREAD):
            client = opened.enter_context(socket.create_connection(listening.getsockname()))
            pairs.append((client, opened.enter_context(listening.accept()[0])))
        before = tcp_pages() or 0
        for _, server in pairs:
            server.send(b"x")
        grown = (tcp_pages() or 0) - before
        for client, _ in pairs:
            client.recv(1)
        return grown


def test_the_line_of_tcp_counts(tmp_path: Path) -> None:
    told = tmp_path / "sockstat"
    told.write_text("sockets: used 9\nTCP: inuse 8 orphan 0 tw 2 alloc 8 mem 777\nUDP: inuse 0 mem 5\nFRAG: memory 1\n")
    assert tcp_pages(str(told)) == 777


@pytest.mark.parametrize("text", ["", "TCP: inuse 3\nUDP: inuse 0 mem 5\n", "TCP: mem", "TCP: mem many\n"])
def test_where_it_is_not_told_nobody_knows(text: str, tmp_path: Path) -> None:
    told = tmp_path / "sockstat"
    assert tcp_pages(str(told)) is None, "there is no such file"
    told.write_text(text)
    assert tcp_pages(str(told)) is None


def test_limits_are_those_of_the_machine(tmp_path: Path) -> None:
    told = tmp_path / "tcp_mem"
    told.write_text("300\t400\t600\n")
    assert tcp_limits(str(told)) == TcpLimits(300, 400, 600)
    assert tcp_limits(str(told)).comfortable == 350


@pytest.mark.parametrize("text", [None, "", "1 2", "1 2 many"])
def test_limits_that_are_not_told_follow_from_the_memory(text: str | None, tmp_path: Path) -> None:
    told = tmp_path / "tcp_mem"
    if text is not None:
        told.write_text(text)
    limits = tcp_limits(str(told))
    assert 0 < limits.low < limits.comfortable < limits.pressure < limits.most < os.sysconf("SC_PHYS_PAGES")
