"""What is to be told of who came to a room and who went: pure, with the time passed in.

Coming is told when the room looks, once a second. Going waits for a grace: who connects again within it has never been
away, as others see it, also where they ask for the members meanwhile. So neither a page that is loaded again nor a
network that is lost for a moment is told to anybody, and a crowd that is cut off and comes back is not either.
"""

from __future__ import annotations

from collections.abc import Callable


class Comings:
    """Of one room. There is one only while there is something to tell, or somebody in their grace.

    Attributes
    ----------
    moved
        Who has moved since somebody looked, and whether they were here then.
    """

    __slots__ = ("_leaving", "_woken_at", "moved")

    def __init__(self) -> None:
        self.moved: dict[str, bool] = {}
        self._leaving: dict[str, float] = {}  # when it is to be told, in that order
        self._woken_at: float | None = None

    def __bool__(self) -> bool:
        return bool(self.moved or self._leaving)

    def moves(self, user: str, *, was_here: bool) -> None:
        self.moved.setdefault(user, was_here)

    def counts_as_here(self, user: str) -> bool:
        """Of somebody who is not: others have not been told."""
        return user in self._leaving or self.moved.get(user, False)

    def counted(self) -> set[str]:
        """All of these, and some who are here."""
        return {*self._leaving, *(user for user, was_here in self.moved.items() if was_here)}

    def forget(self, user: str) -> None:
        """Nothing is to be told of this user."""
        self.moved.pop(user, None)
        self._leaving.pop(user, None)

    def look(self, is_here: Callable[[str], bool], now: float, grace: float) -> tuple[list[str], list[str]]:
        """Who is to be told of as having come, and as having gone.

        Going is told even of those whose coming was not: who asked for the members meanwhile has seen them.
        """
        moved, self.moved = self.moved, {}
        came: list[str] = []
        for user, was_here in sorted(moved.items()):
            if not is_here(user):
                self._leaving.setdefault(user, now + grace)
            elif self._leaving.pop(user, None) is None and not was_here:
                came.append(user)
        went = [user for user, due in self._leaving.items() if due <= now]
        for user in went:
            del self._leaving[user]
        return came, sorted(went)

    def is_due(self, now: float) -> bool:
        """Whether the grace of somebody is over."""
        return next(iter(self._leaving.values()), now + 1.0) <= now

    def wake_in(self, now: float) -> float | None:
        """Seconds after which to look for the first whose grace is over; None: that has been said, or there is none."""
        if not self._leaving or (self._woken_at is not None and self._woken_at > now):
            return None
        self._woken_at = next(iter(self._leaving.values()))
        return max(0.0, self._woken_at - now)
