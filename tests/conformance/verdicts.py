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

COMPRESSED_FAMILIES: Final = {
    "12": 90,  # permessage-deflate as it is offered by default
    "13": 126,  # permessage-deflate with other parameters
}


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
