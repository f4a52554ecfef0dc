"""Questions: those of this node that one other node has to answer, by their numbers there."""

from __future__ import annotations

from itertools import count
from typing import Any

from actors.errors import AskFailed
from actors.reply import Reply

_NUMBERS = count(1)


class Questions:
    """The open questions to one node.

    Args:
        limit: how many there may be.
    """

    __slots__ = ("_by_number", "_limit", "_numbers")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._by_number: dict[int, Reply[Any]] = {}
        self._numbers: dict[Reply[Any], int] = {}

    def __len__(self) -> int:
        return len(self._by_number)

    def number_of(self, reply: Reply[Any]) -> int:
        """The number it has, or is given if it is opened: never the same for two."""
        known = self._numbers.get(reply)
        return next(_NUMBERS) if known is None else known

    def may_open(self, more: int) -> bool:
        """Whether so many may be opened; those that nobody waits for any more are forgotten for it."""
        if len(self) + more > self._limit:
            for reply in [reply for reply in self._numbers if reply.over]:
                self.forget(reply)
        return len(self) + more <= self._limit

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
