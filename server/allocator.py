"""What the C library's allocator is told at the start, so that tables which were outgrown leave no holes.

The tables of a process with many connections double now and then. glibc maps large blocks apart from its heap, and
gives them back to the system when they are freed; but each time it does, it raises the size from which a block counts
as large, up to 32 MiB, and soon every table is in the heap, and leaves a hole there when it is outgrown. A limit that
is set once stays (mallopt(3), M_MMAP_THRESHOLD).
"""

from __future__ import annotations

import ctypes
from typing import Final

_M_MMAP_THRESHOLD: Final = -3
_LARGE: Final = 128 * 1024  # bytes: what glibc begins with, and twice what is read from a socket at a time

_mallopt: Final = getattr(ctypes.CDLL(None), "mallopt", None)


def keep_large_blocks_apart() -> None:
    """To be called once, before there is much. Does nothing where the C library is another one."""
    if _mallopt is not None:
        _mallopt(_M_MMAP_THRESHOLD, _LARGE)
