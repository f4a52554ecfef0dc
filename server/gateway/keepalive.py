"""How the kernel finds peers that are gone without a word: a laptop that was closed, a cable, a machine without power.

The kernel asks a peer from which nothing has come for a while, with a segment that its kernel answers, and waits for
what was sent to be acknowledged only for so long. It costs us nothing, nor any memory, and nothing is asked where pings
are more frequent. What it cannot see is a program that hangs on a machine that works: pings do.

The options are those of tcp(7). Set on a listening socket, Linux passes them on to every socket that it accepts.

The rule: only so many peers are asked as the kernel can ask at once (`most_asked`). Beyond that it loses its own
questions, and then peers that live.
"""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Final

_PROBES: Final = 3

_BACKLOG: Final = "/proc/sys/net/core/netdev_max_backlog"
_USUAL_BACKLOG: Final = 1_000  # where it cannot be seen, as in a network namespace of one's own


def keepalive(idle: float, stall: float) -> tuple[tuple[int, int, int], ...]:
    """Level, option and value of each option to set.

    After `idle` seconds without a byte the peer's kernel is asked, and asked again, three times within half as long;
    then the connection is lost. So it is when what was sent has not been acknowledged for all of that time.

    Parameters
    ----------
    idle
        Seconds, of the kernel's range: 1 to 32,767.
    stall
        Seconds that a peer may take nothing before it is closed with 4002. The kernel, which could not say why, waits
        twice as long.
    """
    between = max(1, round(idle / 2 / _PROBES))
    patience = max(idle + _PROBES * between, 2 * stall)
    return (
        (socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1),
        (socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, round(idle)),
        (socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, between),
        (socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES),
        (socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT, round(patience * 1000)),
    )


def most_asked(backlog: int, processes: int) -> int:
    """How many connections of a process the kernel may be told to ask about.

    All that is asked in one moment goes through a queue of `backlog` packets if it goes over loopback, and so do all
    answers; what finds it full is dropped. Whose three questions are dropped is lost although it lives: with 300,000
    silent connections over loopback and a queue of 1,000 those were 90 a second. The kernel's timers are late by up to
    an eighth of what they were set to, so all who came within fifteen seconds may be asked in one moment, and again
    (kernel/time/timer.c): of 16,000 among a million, who had come in the first sixteen, some 3,000 were lost.

    Parameters
    ----------
    backlog
        Packets, `net.core.netdev_max_backlog`.
    processes
        That share it.
    """
    return backlog // processes


def packet_backlog(path: str = _BACKLOG) -> int:
    """Of this machine."""
    try:
        return int(Path(path).read_text())
    except (OSError, ValueError):
        return _USUAL_BACKLOG
