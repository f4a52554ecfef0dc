"""Posts behind a refused one must not overtake it.

A client sends its posts to a room one after the other without waiting. When one is answered `unavailable`, those
that were on their way behind it are refused too, and the client sends all of them again, in order. They are let
through in that order only: each waits until those refused before it were seen again, or until so much time has
passed that the client must have given them up.

Pure, with the time passed in. Sessions keep one for what they refuse themselves, a room keeps one for its refusals.
"""

from __future__ import annotations

from typing import Final, Generic, TypeVar

from msgspec import Struct

HOLD_SECONDS: Final = 5.0

Sender = TypeVar("Sender")


class _Refused(Struct, gc=False):
    until: float
    seen_again: bool = False


class Holds(Generic[Sender]):
    """The posts that were refused, of each sender in the order in which they were made."""

    __slots__ = ("_refused",)

    def __init__(self) -> None:
        self._refused: dict[Sender, dict[str, _Refused]] = {}

    def refused(self, sender: Sender, nonce: str, now: float) -> None:
        """A post was answered `unavailable`. One that was refused before keeps its place."""
        self._put(sender, nonce, now, seen_again=False)

    def under_way(self, sender: Sender, nonce: str, now: float) -> None:
        """A post behind a refused one is not answered yet. If it is refused, this is its place."""
        self._put(sender, nonce, now, seen_again=True)

    def _put(self, sender: Sender, nonce: str, now: float, *, seen_again: bool) -> None:
        refused = self._refused.setdefault(sender, {})
        if nonce not in refused:
            for given_up in [other for other, entry in refused.items() if entry.until <= now]:
                del refused[given_up]
        refused[nonce] = _Refused(now + HOLD_SECONDS, seen_again)

    def admits(self, sender: Sender, nonce: str, now: float) -> bool:
        """Whether a post may go on now: everything refused before it was seen again, or given up."""
        for other, entry in self._refused.get(sender, {}).items():
            if other == nonce:
                entry.seen_again = True
                return True
            if not entry.seen_again and entry.until > now:
                return False
        return True

    def settled(self, sender: Sender, nonce: str) -> None:
        """A post got an answer that is final: nothing waits for it any more."""
        refused = self._refused.get(sender)
        if refused is not None and refused.pop(nonce, None) is not None and not refused:
            del self._refused[sender]

    def forget(self, sender: Sender) -> None:
        self._refused.pop(sender, None)
