"""What the kernel is told to do about peers that are gone without a word."""

from __future__ import annotations

import socket

import pytest

from server.gateway.keepalive import keepalive


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
