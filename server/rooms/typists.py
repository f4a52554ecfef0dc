"""How often it is passed on that somebody types: pure, with the time passed in."""

from __future__ import annotations

from typing import Final

USER_SECONDS: Final = 3.0  # docs/protocol.md: one in 3 s is passed on
LARGE_ROOM_SECONDS: Final = 1.0  # in large rooms one a second in all, or typing would be quadratic


class Typists:
    """Who was passed on, and when."""

    __slots__ = ("_last", "_passed")

    def __init__(self) -> None:
        self._passed: dict[str, float] = {}
        self._last = float("-inf")

    def __bool__(self) -> bool:
        return bool(self._passed)

    def passes(self, user: str, now: float, *, large: bool) -> bool:
        """Whether to pass on that `user` types now; if so, that is remembered."""
        if now - self._passed.get(user, float("-inf")) < USER_SECONDS:
            return False
        if large and now - self._last < LARGE_ROOM_SECONDS:
            return False
        self._passed[user] = self._last = now
        return True

    def sweep(self, now: float) -> None:
        """Forget those who may type again."""
        self._passed = {user: at for user, at in self._passed.items() if now - at < USER_SECONDS}
