"""How far a relay has passed on the log of its room, and what has to wait while something is missing: pure.

What is missing is read from the store, page by page. What the owner says meanwhile and has its place behind that waits,
in order; of entries only so many, because those can be read as well.
"""

from __future__ import annotations

from typing import Final

from msgspec import Struct, field

from server.relays.messages import Admitted, Answered, Delivered, HeadOf, Removed

PAGE_ENTRIES: Final = 200
PUT_OFF_ENTRIES: Final = 1_000
RETRY_SECONDS: Final = 0.5
PATIENCE_SECONDS: Final = 5.0  # a question without an answer for so long was lost with the reader that had it

Ordered = Delivered | Admitted | Answered | Removed | HeadOf


class _Missing(Struct, gc=False):
    """What there is only while something is missing, or waits behind it. `ref`: of the question for the next page, and
    when to ask again. `put_off`: what waits; `entries`: how many of these there are in it."""

    known: int = 0
    ahead: int = 0
    ref: int | None = None
    again_at: float = 0.0
    put_off: list[Ordered] = field(default_factory=list)
    entries: int = 0

    def read_instead(self) -> None:
        """Too many entries wait: they are read as well."""
        self.known = max(self.known, self.ahead)
        self.put_off = [one for one in self.put_off if not isinstance(one, Delivered)]
        self.entries = self.ahead = 0


class Stream(Struct, gc=False):
    """A place in a log. Out of the collector's sight: nothing in it refers to what it belongs to.

    Attributes
    ----------
    head
        The last entry that was passed on; None: it is not known yet where to begin.
    """

    head: int | None = None
    _missing: _Missing | None = None

    @property
    def known(self) -> int:
        """The log is known to reach so far. Above the head: what is between is missing."""
        return 0 if self._missing is None else self._missing.known

    @property
    def ahead(self) -> int:
        """The last entry that waits behind what is missing; 0: none does."""
        return 0 if self._missing is None else self._missing.ahead

    @property
    def is_behind(self) -> bool:
        missing = self._missing
        return missing is not None and self.head is not None and missing.known > self.head

    @property
    def is_following(self) -> bool:
        """Whether it has begun, and nothing is missing."""
        return self.head is not None and not self.is_behind

    # --- what is missing --------------------------------------------------------------------------------------

    def reaches(self, seq: int) -> None:
        """The log is known to reach so far, which is beyond the head."""
        self._made_missing().known = seq

    def asks(self, ref: int, now: float) -> None:
        """The next page is asked for."""
        missing = self._made_missing()
        missing.ref = ref
        missing.again_at = now + PATIENCE_SECONDS

    def takes_answer(self, ref: int) -> bool:
        """Whether this is the answer that is waited for; then it is no more."""
        missing = self._missing
        if missing is None or missing.ref != ref:
            return False
        missing.ref = None
        return True

    def failed(self, now: float) -> None:
        """Nothing came of the question: ask again in a moment."""
        missing = self._made_missing()
        missing.ref = None
        missing.again_at = now + RETRY_SECONDS

    def is_due(self, now: float) -> bool:
        """Whether to ask again."""
        return self.is_behind and now >= self._made_missing().again_at

    # --- what waits -------------------------------------------------------------------------------------------

    def put_off(self, told: Ordered) -> None:
        missing = self._made_missing()
        missing.put_off.append(told)
        if isinstance(told, Delivered):
            missing.ahead = told.entries[-1].seq or 0
            missing.entries += len(told.entries)
            if missing.entries > PUT_OFF_ENTRIES:
                missing.read_instead()

    def take_put_off(self) -> list[Ordered]:
        missing = self._missing
        if missing is None:
            return []
        put_off, missing.put_off = missing.put_off, []
        missing.entries = missing.ahead = 0
        if missing.ref is None and not self.is_behind:
            self._missing = None
        return put_off

    def _made_missing(self) -> _Missing:
        if self._missing is None:
            self._missing = _Missing()
        return self._missing
