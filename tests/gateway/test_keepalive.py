"""What the kernel is told to do about peers that are gone without a word."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from server.gateway.keepalive import keepalive, most_asked, packet_backlog


def options(idle: float, stall: float) -> dict[int, int]:
    return {option: value for _, option, value in keepalive(idle, stall)}


def test_it_asks_and_gives_up_half_as_long_after_that() -> None:
    assert options(idle=120.0, stall=30.0) == {
        socket.SO_KEEPALIVE: 1,
        socket.TCP_KEEPIDLE: 120,
        socket.TCP_KEEPINTVL: 20,
        socket.TCP_KEEPCNT: 3,
        socket.TCP_USER_TIMEOUT: 180_000,
    }


def test_who_may_take_nothing_for_long_is_not_cut_off_before_that() -> None:
    assert options(idle=60.0, stall=300.0)[socket.TCP_USER_TIMEOUT] == 600_000


@pytest.mark.parametrize("idle", [1.0, 1.4, 3_600.0])
def test_the_kernel_takes_whatever_can_be_set(idle: float) -> None:
    with socket.socket() as sock:
        for level, option, value in keepalive(idle, stall=3_600.0):
            sock.setsockopt(level, option, value)
            assert sock.getsockopt(level, option) == value


def test_all_workers_together_ask_no_more_than_the_queue_of_the_kernel_bears() -> None:
    assert most_asked(backlog=1_000, processes=1) == 1_000
    assert 54 * most_asked(backlog=1_000, processes=54) <= 1_000
    assert most_asked(backlog=1_000_000, processes=54) >= 18_518, "a million, with a queue for it"


def test_a_queue_that_cannot_be_seen_is_taken_for_the_usual_one(tmp_path: Path) -> None:
    (tmp_path / "own").write_text("5000\n")
    assert packet_backlog(str(tmp_path / "own")) == 5_000
    assert packet_backlog(str(tmp_path / "nowhere")) == 1_000
