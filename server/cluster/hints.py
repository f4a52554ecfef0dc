"""Hints between nodes: something has changed in the table of shards, so look. Only a hint: who misses it looks anyhow,
a little later."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from actors import Actor, Mailbox, Overflow

HINTS: Final = "hints"
"""The name of this actor on each node."""

MAILBOX: Final = Mailbox(limit=100, overflow=Overflow.DROP_NEWEST)
"""One is as good as many."""


class ShardsMoved(Struct, frozen=True, array_like=True):
    """From another node: it has taken shards, or given some up."""


class Hints(Actor):
    """See the top of this file.

    Parameters
    ----------
    look
        Called when another node says that something has changed.
    """

    __slots__ = ("_look",)

    def __init__(self, look: Callable[[], None]) -> None:
        self._look = look

    def receive(self, message: object) -> None:
        match message:
            case ShardsMoved():
                self._look()
            case _:
                raise TypeError(f"{type(message).__name__} is no hint")
