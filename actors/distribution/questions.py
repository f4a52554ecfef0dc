"""Questions: those of this node that one other node has to answer, by their numbers on the wire.

The rule: a question leaves the table once, whatever ends it, and with the link all do. So nothing here times out.
"""

from __future__ import annotations

from itertools import count
from typing import Any

from actors.errors import AskFailed
from actors.reply import Reply

_NUMBERS = count(1)

SELDOM = 16
"""A full table is looked through once in a sixteenth of its length of refusals: a small part of what those cost."""


class Questions:
    """The open questions to one node.

    Args:
        limit: how many there may be.
    """

    __slots__ = ("_by_number", "_limit", "_numbers", "_refused")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_number: dict[int, Reply[Any]] = {}
        self._numbers: dict[Reply[Any], int] = {}
        self._refused = 0

    def __len__(self) -> int:
        return len(self._by_number)

    def number_of(self, reply: Reply[Any]) -> int:
        """The number it has, or is given if it is opened: never the same for two."""
        known = self._numbers.get(reply)
        return next(_NUMBERS) if known is None else known

    def has_place_for(self, more: int) -> bool:
        """Whether so many more may be opened."""
        return len(self) + more <= self._limit

    def swept(self) -> list[int]:
        """Forget those that nobody waits for any more: their numbers. Looks seldom while there are none.

        Whoever asks settles its own questions. Left are replies that were handed on by somebody else.
        """
        self._refused += 1
        if (self._refused - 1) % max(1, self._limit // SELDOM):
            return []
        over = [reply for reply in self._numbers if reply.over]
        if over:
            self._refused = 0
        return [number for reply in over if (number := self.forget(reply)) is not None]

    def open(self, reply: Reply[Any], number: int) -> None:
        """It is on its way."""
        self._by_number[number] = reply
        self._numbers[reply] = number

    def answered(self, number: int) -> Reply[Any] | None:
        """The question with this number is over; None if it has been before."""
        reply = self._by_number.pop(number, None)
        if reply is not None:
            del self._numbers[reply]
        return reply

    def forget(self, reply: Reply[Any]) -> int | None:
        """Nobody waits for it any more: its number; None if it was over."""
        number = self._numbers.pop(reply, None)
        if number is not None:
            del self._by_number[number]
        return number

    def fail_all(self, failure: type[AskFailed], why: str) -> None:
        """None of them will be answered."""
        replies = tuple(self._numbers)
        self._by_number, self._numbers = {}, {}
        for reply in replies:
            reply.fail(failure(why))
