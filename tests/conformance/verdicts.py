"""What a case of the suite came to, and which cases are excused."""

from __future__ import annotations

from typing import Final

from msgspec import Struct

FAMILIES: Final = {
    "1": 16,  # framing
    "2": 11,  # pings and pongs
    "3": 7,  # reserved bits
    "4": 10,  # opcodes
    "5": 20,  # fragmentation
    "6": 145,  # UTF-8
    "7": 37,  # closing
    "9": 54,  # sizes and performance
    "10": 1,  # automatic fragmentation
}
"""The families without compression, and how many cases each has."""

COMPRESSED_FAMILIES: Final = dict.fromkeys(
    [
        *("12.1", "12.2", "12.3", "12.4", "12.5"),  # permessage-deflate as it is offered by default
        *("13.1", "13.2", "13.3", "13.4", "13.5", "13.6", "13.7"),  # with other parameters
    ],
    18,
)
"""Each from a thousand messages of 16 bytes to a thousand of 128 KB, and to be run by itself: on a busy machine a case
of small ones, each of which waits for the one before, does not end in its 60 seconds beside the largest of another."""

COMPRESSED_SAMPLE: Final = (
    "12.1.1",
    "12.1.11",  # in fragments
    "13.1.2",
    "13.2.2",  # the client asks for no context
    "13.3.2",  # for a window of 9 bits
    "13.4.2",  # of 15
    "13.5.2",  # for both, with 9
    "13.6.2",  # with 15
    "13.7.2",  # for the one or the other
)
"""One of each kind, with a thousand small messages each."""


class Verdict(Struct, frozen=True):
    """One case: what the runner says of the messages, and of how the connection ended."""

    case: str
    passed: bool
    behavior: str
    behavior_close: str
    explanation: str
    milliseconds: int

    def __str__(self) -> str:
        return f"{self.case}: {self.behavior}, at its end {self.behavior_close}: {self.explanation}"
