"""What a room has asked the reader on somebody's behalf, and what it wanted to do with the answer: pure."""

from __future__ import annotations

from msgspec import Struct

from server.rooms.messages import Request
from server.rooms.opening import PATIENCE_SECONDS
from server.rooms.readers import Covered


class PageWanted(Struct, frozen=True):
    """A page of history, log or members, for the reply to `request`."""

    request: Request


class PersonWanted(Struct, frozen=True):
    """Whom the command concerns."""

    request: Request


class AuthorsWanted(Struct, frozen=True):
    """Whom a receipt goes to."""

    covered: Covered


Purpose = PageWanted | PersonWanted | AuthorsWanted


class Questions:
    """Questions without an answer, oldest first."""

    __slots__ = ("_open",)

    def __init__(self) -> None:
        self._open: dict[int, tuple[float, Purpose]] = {}

    def __len__(self) -> int:
        return len(self._open)

    def asked(self, ref: int, purpose: Purpose, now: float) -> None:
        self._open[ref] = now, purpose

    def take(self, ref: int) -> Purpose | None:
        """What the question `ref` was asked for; None if nobody waits for it any more."""
        _, purpose = self._open.pop(ref, (0.0, None))
        return purpose

    def overdue(self, now: float) -> list[Purpose]:
        """Those whose answer will not come any more, because whoever had the question is gone."""
        late = [ref for ref, (since, _) in self._open.items() if now - since >= PATIENCE_SECONDS]
        return [self._open.pop(ref)[1] for ref in late]
