"""What is to be told of who came to a room, who went, and who looks otherwise: pure, with the time passed in.

Coming is told when the room looks, once a second. Going waits for a grace: who connects again within it has never been
away, as others see it, also where they ask for the members meanwhile. So neither a page that is loaded again nor a
network that is lost for a moment is told to anybody, and a crowd that is cut off and comes back is not either. Who
becomes invisible goes, to others, as everybody does; and whoever was never seen does not go.
"""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from server.protocol.showing import PLAIN, Shown
from server.rooms.appearances import Appearances


class Moved(Struct, gc=False):
    """Somebody who has moved since somebody looked.

    Attributes
    ----------
    was_here
        Whether they were here then.
    shown
        How they looked to others then; None: not here.
    was_seen
        Whether anybody who asked meanwhile may have seen them.
    """

    was_here: bool
    shown: Shown | None
    was_seen: bool


class _Leaving(Struct, frozen=True, gc=False):
    due: float
    shown: Shown


class Comings:
    """Of one room. There is one only while there is something to tell, somebody in their grace, or one who does not
    just look online.

    Attributes
    ----------
    appearances
        How those look; None: there are none.
    moved
        Who has moved since somebody looked.
    """

    __slots__ = ("_leaving", "_woken_at", "appearances", "moved")

    def __init__(self, appearances: Appearances | None = None) -> None:
        self.appearances = appearances
        self.moved: dict[str, Moved] = {}
        self._leaving: dict[str, _Leaving] = {}  # in the order in which it is to be told
        self._woken_at: float | None = None

    def __bool__(self) -> bool:
        return bool(self.moved or self._leaving or self.appearances)

    def moves(self, user: str, shown: Shown | None, *, was_here: bool) -> None:
        """`shown`: how they look before that."""
        is_seen = shown is not None
        moved = self.moved.get(user)
        if moved is None:
            self.moved[user] = Moved(was_here, shown, is_seen)
        elif is_seen:
            moved.was_seen = True

    def still_shown(self, user: str) -> Shown | None:
        """Of somebody who is not here: how they look to others, who have not been told."""
        if (leaving := self._leaving.get(user)) is not None:
            return leaving.shown
        moved = self.moved.get(user)
        return None if moved is None else moved.shown

    def counted(self) -> set[str]:
        """All of these, and some who are here."""
        return {*self._leaving, *(user for user, moved in self.moved.items() if moved.shown is not None)}

    def forget(self, user: str) -> None:
        """Nothing is to be told of this user."""
        self.moved.pop(user, None)
        self._leaving.pop(user, None)

    def look(self, appears: Callable[[str], Shown | None], now: float, grace: float) -> list[tuple[str, Shown | None]]:
        """Whom others are to be told of, and how they look now; None: they have gone.

        Going is told even of those whose coming was not: who asked for the members meanwhile has seen them.
        """
        moved, self.moved = self.moved, {}
        told: list[tuple[str, Shown | None]] = []
        for user in sorted(moved):
            before, leaving, shown = moved[user], self._leaving.get(user), appears(user)
            if shown is not None:
                self._leaving.pop(user, None)
                if shown != (before.shown if leaving is None else leaving.shown):
                    told.append((user, shown))
            elif leaving is None and before.was_seen:
                self._leaving[user] = _Leaving(now + grace, before.shown or PLAIN)
        went = sorted(user for user, leaving in self._leaving.items() if leaving.due <= now)
        for user in went:
            del self._leaving[user]
        return [*told, *((user, None) for user in went)]

    def is_due(self, now: float) -> bool:
        """Whether the grace of somebody is over."""
        first = next(iter(self._leaving.values()), None)
        return first is not None and first.due <= now

    def wake_in(self, now: float) -> float | None:
        """Seconds after which to look for the first whose grace is over; None: that has been said, or there is none."""
        if not self._leaving or (self._woken_at is not None and self._woken_at > now):
            return None
        self._woken_at = next(iter(self._leaving.values())).due
        return max(0.0, self._woken_at - now)
