"""How much memory the kernel has in use for TCP, and how much it allows: of all processes together (tcp(7), `tcp_mem`).

The rule: whoever looks gets what can be seen, or None; nothing is raised, and nothing is kept open. A look takes 5 us.
The figure is up to 1 MiB a processor behind, because the kernel adds up that much on each before it tells the others.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Final

from msgspec import Struct

_USED: Final = "/proc/net/sockstat"  # its file tells of the machine, in a network namespace of one's own as well
_LIMITS: Final = "/proc/sys/net/ipv4/tcp_mem"  # not there in such a namespace


class TcpLimits(Struct, frozen=True):
    """In pages. Up to `low` the kernel does not look; above `pressure` it makes windows small; above `most` it takes
    no more than it must.
    """

    low: int
    pressure: int
    most: int

    @property
    def comfortable(self) -> int:
        """So far that many processes, each of which looks only now and then, stay below `pressure` together."""
        return (self.low + self.pressure) // 2


def tcp_limits(path: str = _LIMITS) -> TcpLimits:
    """Those of this machine; where they cannot be seen, what the kernel takes by itself: a sixteenth of the memory."""
    try:
        low, pressure, most = map(int, Path(path).read_text().split())
    except (OSError, ValueError):
        pressure = os.sysconf("SC_PHYS_PAGES") // 16
        low = pressure // 4 * 3
        most = 2 * low
    return TcpLimits(low, pressure, most)


def tcp_pages(path: str = _USED) -> int | None:
    """How many pages are in use for what was sent and is not acknowledged, and what has come and is not read."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except OSError:
        return None
    try:
        return _pages(os.read(file, 4_096))
    except (OSError, ValueError, IndexError):
        return None
    finally:
        os.close(file)


def _pages(text: bytes) -> int:
    """The word behind `mem` in the line `TCP: inuse … mem …`."""
    words = text.partition(b"TCP:")[2].partition(b"\n")[0].split()
    return int(words[words.index(b"mem") + 1])
