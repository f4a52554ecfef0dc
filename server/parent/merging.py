"""Pages that are alike in several workers, kept once: asked of the kernel, which sees to it in its own time (KSM).

Workers share what was loaded before the fork until they write to it, and they write to a fifth of it by running:
CPython counts references in what it looks at. But they all run the same, so most of their copies are alike again
(docs/decisions/0022).

The rules: who forks asks for it, and the others inherit it. Whether the kernel looks for such pages at all
(/sys/kernel/mm/ksm/run) is not ours to change: it is one switch for all programs of the machine.
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from typing import Final

_PR_SET_MEMORY_MERGE: Final = 67  # prctl(2), since Linux 6.4
_SWITCH: Final = Path("/sys/kernel/mm/ksm/run")


def ask_for_merging(switch: Path = _SWITCH) -> str | None:
    """From now on, for this process and those it forks.

    Returns what is in the way of it, in one line; None: nothing is.
    """
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(_PR_SET_MEMORY_MERGE, 1, 0, 0, 0) != 0:
        return f"the kernel does not offer it: {os.strerror(ctypes.get_errno())}"
    try:
        looks = switch.read_text().strip() == "1"
    except OSError as error:
        return f"nobody can say whether the kernel does it: {error}"
    return None if looks else f"the kernel does not look for such pages: {switch} is not 1"
