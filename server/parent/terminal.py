"""Whether a SIGHUP means that the terminal was closed, which this process was started from.

The same signal asks servers to read their settings anew. Who is started under `nohup` has said which is meant; who has
no terminal cannot lose it.
"""

from __future__ import annotations

import os
import signal


class Terminal:
    """The one this process has when this is made, if any.

    Parameters
    ----------
    heeded
        What the program before this one in the same process knew (`handing_over.py`); None if this is the first.
    """

    def __init__(self, heeded: bool | None = None) -> None:
        first = signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN and _is_there()
        self.is_heeded = first if heeded is None else heeded

    def is_gone(self) -> bool:
        """It was there, and is no more."""
        return self.is_heeded and not _is_there()


def _is_there() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
    except OSError:
        return False
    return True
