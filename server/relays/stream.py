"""How far a relay has passed on the log of its room, and what has to wait while something is missing: pure.

What is missing is read from the store, page by page. What the owner says meanwhile and has its place behind that waits,
in order; of entries only so many, because those can be read as well.
"""

from __future__ import annotations

from typing import Final

from server.relays.messages import Admitted, Answered, Delivered, HeadOf, Removed

PAGE_ENTRIES: Final = 200
PUT_OFF_ENTRIES: Final = 1_000
RETRY_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 5.0  # a question without an answer for so long was lost with the reader that had it

Ordered = Delivered | Admitted | Answered | Removed | HeadOf


class Stream:
    """A place in a log.

    Attributes
    ----------
    head
        The last entry that was passed on; None: it is not known yet where to begin.
    known
        The log is known to reach so far. Above the head: what is between is missing.
    ahead
        The last entry that waits behind what is missing; 0: none does.
    """

    __slots__ = ("_again_at", "_entries_put_off", "_put_off", "_ref", "ahead", "head", "known")

    def __init__(self) -> None:
        self.head: int | None = None
        self.known = 0
        self.ahead = 0
        self._ref: int | None = None
        self._again_at = 0.0
        self._put_off: list[Ordered] | None = None
        self._entries_put_off = 0

    @property
    def is_behind(self) -> bool:
        return self.head is not None and self.known > self.head

    @property
    def is_following(self) -> bool:
        """Whether it has begun, and nothing is missing."""
        return self.head is not None and self.known <= self.head

    # --- what is missing --------------------------------------------------------------------------------------

    def asks(self, ref: int, now: float) -> None:
        """The next page is asked for."""
        self._ref = ref
        self._again_at = now + PATIENCE_SECONDS

    def takes_answer(self, ref: int) -> bool:
        """Whether this is the answer that is waited for; then it is no more."""
        if ref != self._ref:
            return False
        self._ref = None
        return True

    def failed(self, now: float) -> None:
        """Nothing came of the question: ask again in a moment."""
        self._ref = None
        self._again_at = now + RETRY_SECONDS

    def is_due(self, now: float) -> bool:
        """Whether to ask again."""
        return self.is_behind and now >= self._again_at

    # --- what waits -------------------------------------------------------------------------------------------

    def put_off(self, told: Ordered) -> None:
        if self._put_off is None:
            self._put_off = []
        self._put_off.append(told)
        if isinstance(told, Delivered):
            self.ahead = told.entries[-1].seq or 0
            self._entries_put_off += len(told.entries)
            if self._entries_put_off > PUT_OFF_ENTRIES:
                self._read_instead()

    def _read_instead(self) -> None:
        self.known = max(self.known, self.ahead)
        self._put_off = [one for one in self._put_off or () if not isinstance(one, Delivered)]
        self._entries_put_off = self.ahead = 0

    def take_put_off(self) -> list[Ordered]:
        put_off, self._put_off = self._put_off, None
        self._entries_put_off = self.ahead = 0
        return put_off or []
