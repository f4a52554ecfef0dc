"""How many relays of a node ask an owner at once: a window, as where what is not acknowledged is counted. Pure.

They ask to be taken in, or whether somebody may listen. When the owner of many rooms was lost and found, each of its
relays asked it at once, on all nodes together hundreds of thousands, and whoever has so much to hear says nothing else
meanwhile, not even that it lives. Behind a window each answer lets the next one ask, so questions come as fast as they
are answered, whatever that is.

And what is asked here waits in one queue with what people say: where a hundred thousand came back to 55 nodes, posts
may have stood behind 14,000 questions of theirs. How many nodes ask the same owner, and how fast it is, nobody here
knows; so the window follows how long answers take, as TCP Vegas does (Brakmo and Peterson 1995): it grows by a quarter
in the time of an answer while they come soon, and halves while they come late.

The rules:
- Whoever has asked keeps its place until it is answered, or has no one to ask any more.
- The others wait in the order in which they came; those for whom many wait go before them.
- A place that becomes free is given away at once: who gets it is told, and need not be quick.
- Each node that owns rooms has a window of its own: one that hangs keeps nobody from asking the others.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from actors import Address

WIDEST: Final = 256
"""Twice as many as may wait before few are let in at the door (`gateway/listener.py`): in a crowd that comes, the door
is what holds it back."""
NARROWEST: Final = 16
"""With 55 nodes that is 880 questions, a second or two of an owner that is behind."""
AT_FIRST: Final = 64
"""As many as come in one turn at the door (`server/turns.py`)."""
LATE_SECONDS: Final = 2.0
"""Of an answer. A node that shares its processor with fifty others comes round once a second itself."""
_GROWS, _SHRINKS = 0.25, 0.5  # for each answer: so by these parts while a whole window is answered


class Window:
    """Of the relays whose rooms one node owns. Its length: all who want to ask, also who has not yet.

    Attributes
    ----------
    width
        How many may have asked.
    """

    __slots__ = ("_asking", "_waiting", "_waiting_first", "width")

    def __init__(self, width: float) -> None:
        self.width = width
        self._asking: dict[Address, float] = {}  # and when
        self._waiting_first: dict[Address, None] = {}
        self._waiting: dict[Address, None] = {}

    def __len__(self) -> int:
        return len(self._asking) + len(self._waiting_first) + len(self._waiting)

    def has_asked(self, relay: Address) -> bool:
        return relay in self._asking

    def enter(self, relay: Address, now: float, *, is_urgent: bool) -> bool:
        asking = self._asking
        if relay in asking or len(asking) < self.width:
            self._forget(relay)
            asking[relay] = now
            return True
        if is_urgent:
            self._waiting.pop(relay, None)
            self._waiting_first[relay] = None
        elif relay not in self._waiting_first:
            self._waiting[relay] = None
        return False

    def leave(self, relay: Address, now: float, *, is_answered: bool) -> list[Address]:
        asked_at = self._asking.pop(relay, None)
        if asked_at is None:
            self._forget(relay)
            return []
        if is_answered:
            self._follow(now - asked_at)
        return list(self._successors(now))

    def _follow(self, seconds: float) -> None:
        """An answer took so long."""
        by = -_SHRINKS if seconds > LATE_SECONDS else _GROWS
        self.width = min(max(self.width + by, NARROWEST), WIDEST)

    def _successors(self, now: float) -> Iterator[Address]:
        while len(self._asking) < self.width and (waiting := self._waiting_first or self._waiting):
            successor = next(iter(waiting))
            self._forget(successor)
            self._asking[successor] = now
            yield successor

    def _forget(self, relay: Address) -> None:
        """Of those who wait."""
        self._waiting.pop(relay, None)
        self._waiting_first.pop(relay, None)


class Windows:
    """One for each node that is asked; there is one only while somebody asks.

    Its length: all who want to ask, whomever.

    Parameters
    ----------
    width
        Of each at first.
    """

    __slots__ = ("_nodes", "_width", "_windows")

    def __init__(self, width: float = AT_FIRST) -> None:
        self._width = width
        self._nodes: dict[Address, str] = {}
        self._windows: dict[str, Window] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, relay: Address) -> bool:
        return relay in self._nodes

    def enter(self, relay: Address, node: str, now: float, *, is_urgent: bool = False) -> bool:
        """Whether it may ask now. If not, its turn comes: `leave` will give it to somebody.

        Parameters
        ----------
        node
            Whom it wants to ask. Who has asked another one, and comes with this before it has left, keeps its place.
        now
            From here on its answer is waited for, if it may.
        is_urgent
            It goes before those who are not.
        """
        before = self._nodes.get(relay)
        if before is not None and before != node:
            if self._windows[before].has_asked(relay):
                node = before
            else:
                self.leave(relay, now, is_answered=False)
        self._nodes[relay] = node
        window = self._windows.get(node)
        if window is None:
            window = self._windows[node] = Window(self._width)
        return window.enter(relay, now, is_urgent=is_urgent)

    def leave(self, relay: Address, now: float, *, is_answered: bool) -> list[Address]:
        """It has been answered, or wants nothing any more; harmless if it was not here. Who may ask from now on."""
        node = self._nodes.pop(relay, None)
        if node is None:
            return []
        if not self._nodes:
            self._nodes = {}  # or it keeps the size it had with a crowd in it
        window = self._windows[node]
        successors = window.leave(relay, now, is_answered=is_answered)
        if not window:
            del self._windows[node]
        return successors
