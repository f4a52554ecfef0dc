"""How each client of a crowd stands: a byte of flags, and which of its connections it is on.

By slot (0, 1, 2 …), in arrays that are never replaced: whoever has to look often keeps them.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from typing import Final

READY: Final = 1
"""Welcome, and with all that was missed. Nothing but this flag: what is read is an entry, most likely."""
OPENING: Final = 2
"""There is a socket, and the conversation on it has not begun."""
SPEAKING: Final = 4
"""There are commands without an answer."""
PARTIAL: Final = 8
"""Half a frame was read."""
DEAF: Final = 16
"""It does not read."""
QUEUED: Final = 32
"""It will connect when it is its turn."""

NOBODY: Final = -1
"""The slot of a descriptor that was closed meanwhile; how nobody stands is the last byte of `states`."""


class Standing:
    """All clients of a crowd.

    Attributes
    ----------
    numbers
        By slot: who it is.
    states
        By slot: flags of this module.
    lives
        By slot: how many connections it has had.
    """

    __slots__ = ("lives", "numbers", "states")

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers
        self.states = bytearray(len(numbers) + 1)
        self.lives = array("H", bytes(2 * len(numbers)))
