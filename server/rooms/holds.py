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
UNDER_WAY: Final = 0.0

Sender = TypeVar("Sender")


class _Posts(Struct):
    """The posts of one sender that have no final answer, in the order in which they were made.

    `until`: `UNDER_WAY`, or how long the others wait for one that was refused. `refused`: how many of these there are.
    """

    until: dict[str, float]
    refused: int = 0


class Holds(Generic[Sender]):
    """What keeps the posts of each sender in their order."""

    __slots__ = ("_senders",)

    def __init__(self) -> None:
        self._senders: dict[Sender, _Posts] = {}

    def __bool__(self) -> bool:
        return bool(self._senders)

    @property
    def waits(self) -> bool:
        """Whether any post that was refused is not seen again yet."""
        return any(posts.refused for posts in self._senders.values())

    def admits(self, sender: Sender, nonce: str, now: float) -> bool:
        """Whether a post may go on now; then it is under way, until it is `settled` or `refused`."""
        posts = self._senders.get(sender)
        if posts is None:
            self._senders[sender] = _Posts({nonce: UNDER_WAY})
            return True
        if posts.refused and _must_wait(posts, nonce, now):
            return False
        if posts.until.get(nonce, UNDER_WAY) != UNDER_WAY:
            posts.refused -= 1
        posts.until[nonce] = UNDER_WAY
        return True

    def refused(self, sender: Sender, nonce: str, now: float) -> None:
        """A post was answered `unavailable`. Its place is kept."""
        posts = self._senders.setdefault(sender, _Posts({}))
        if posts.until.get(nonce, UNDER_WAY) == UNDER_WAY:
            posts.refused += 1
        posts.until[nonce] = now + HOLD_SECONDS

    def settled(self, sender: Sender, nonce: str) -> None:
        """A post got an answer that is final: nothing waits for it any more."""
        posts = self._senders.get(sender)
        if posts is None:
            return
        if posts.until.pop(nonce, UNDER_WAY) != UNDER_WAY:
            posts.refused -= 1
        if not posts.until:
            del self._senders[sender]

    def forget(self, sender: Sender) -> None:
        self._senders.pop(sender, None)

    def sweep(self, now: float) -> None:
        """Forget what was refused so long ago that nobody waits for it."""
        for sender, posts in list(self._senders.items()):
            for nonce in [nonce for nonce, until in posts.until.items() if UNDER_WAY < until <= now]:
                self.settled(sender, nonce)


def _must_wait(posts: _Posts, nonce: str, now: float) -> bool:
    """Whether something refused before this post is still expected. What is expected no more is forgotten."""
    for other, until in list(posts.until.items()):
        if other == nonce:
            return False
        if until == UNDER_WAY:
            continue
        if until > now:
            return True
        del posts.until[other]
        posts.refused -= 1
    return False
