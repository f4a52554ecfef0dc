"""Posts behind a refused one must not overtake it.

A client sends its posts to a room one after the other without waiting. When one is answered `unavailable`, those
that were on their way behind it are refused too, until the refused nonce is seen again (the client resends in order)
or some seconds have passed (the client has given that post up). Pure; sessions keep one for what they refuse
themselves, a room keeps one for its own refusals.
"""

from __future__ import annotations

from typing import Final, Generic, NamedTuple, TypeVar

HOLD_SECONDS: Final = 5.0

Sender = TypeVar("Sender")


class _Held(NamedTuple):
    nonce: str
    until: float


class Holds(Generic[Sender]):
    """Which senders have a refused post that others must wait for."""

    __slots__ = ("_held",)

    def __init__(self) -> None:
        self._held: dict[Sender, _Held] = {}

    def refused(self, sender: Sender, nonce: str, now: float) -> None:
        """A post was answered `unavailable`. The first one refused is the one to wait for."""
        held = self._held.get(sender)
        if held is None or held.until <= now:
            self._held[sender] = _Held(nonce, now + HOLD_SECONDS)

    def admits(self, sender: Sender, nonce: str, now: float) -> bool:
        """Whether a post may go on now. Seeing the nonce that is waited for ends the hold."""
        if not self._held:
            return True
        held = self._held.get(sender)
        if held is None:
            return True
        if held.nonce != nonce and held.until > now:
            return False
        del self._held[sender]
        return True

    def forget(self, sender: Sender) -> None:
        self._held.pop(sender, None)
