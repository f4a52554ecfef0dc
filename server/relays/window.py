"""How many relays of a node ask at once to be taken in: a window, as where what is not acknowledged is counted.

When the owner of many rooms was lost and found, each of its relays asked it at once, on all nodes together hundreds of
thousands, and whoever has so much to hear says nothing else meanwhile, not even that it lives. Behind a window each
answer lets the next one ask, so questions come as fast as they are answered, whatever that is.

The rules:
- Whoever has asked keeps its place until it is answered, or has no one to ask any more.
- The others wait in the order in which they came; those for whom many wait go before them.
- A place that becomes free is given away at once: who gets it is told, and need not be quick.
- Each node that owns rooms has a window of its own: one that hangs keeps nobody from asking the others.
"""

from __future__ import annotations

from typing import Final

from actors import Address

WIDTH: Final = 256
"""Twice as many as may wait before few are let in at the door (`gateway/listener.py`): in a crowd that comes, the door
is what holds it back."""


class Window:
    """Of the relays whose rooms one node owns. Its length: all who want to be taken in, also who has not asked yet.

    Parameters
    ----------
    width
        How many may have asked.
    """

    __slots__ = ("_asking", "_waiting", "_waiting_first", "_width")

    def __init__(self, width: int = WIDTH) -> None:
        self._width = width
        self._asking: set[Address] = set()
        self._waiting_first: dict[Address, None] = {}
        self._waiting: dict[Address, None] = {}

    def __len__(self) -> int:
        return len(self._asking) + len(self._waiting_first) + len(self._waiting)

    def has_asked(self, relay: Address) -> bool:
        return relay in self._asking

    def enter(self, relay: Address, *, is_urgent: bool) -> bool:
        asking = self._asking
        if relay in asking:
            return True
        if len(asking) < self._width:
            self._forget(relay)
            asking.add(relay)
            return True
        if is_urgent:
            self._waiting.pop(relay, None)
            self._waiting_first[relay] = None
        elif relay not in self._waiting_first:
            self._waiting[relay] = None
        return False

    def leave(self, relay: Address) -> Address | None:
        if relay not in self._asking:
            self._forget(relay)
            return None
        self._asking.remove(relay)
        waiting = self._waiting_first or self._waiting
        if not waiting:
            return None
        successor = next(iter(waiting))
        self._forget(successor)
        self._asking.add(successor)
        return successor

    def _forget(self, relay: Address) -> None:
        """Of those who wait."""
        self._waiting.pop(relay, None)
        self._waiting_first.pop(relay, None)


class Windows:
    """One for each node that is asked; there is one only while somebody asks.

    Its length: all who want to be taken in, wherever.
    """

    __slots__ = ("_nodes", "_width", "_windows")

    def __init__(self, width: int = WIDTH) -> None:
        self._width = width
        self._nodes: dict[Address, str] = {}
        self._windows: dict[str, Window] = {}

    def __len__(self) -> int:
        return len(self._nodes)

    def __contains__(self, relay: Address) -> bool:
        return relay in self._nodes

    def enter(self, relay: Address, node: str, *, is_urgent: bool = False) -> bool:
        """Whether it may ask now. If not, its turn comes: `leave` will give it to somebody.

        Parameters
        ----------
        node
            Whom it wants to ask. Who has asked another one, and comes with this before it has left, keeps its place.
        is_urgent
            It goes before those who are not.
        """
        before = self._nodes.get(relay)
        if before is not None and before != node:
            if self._windows[before].has_asked(relay):
                return True
            self.leave(relay)
        self._nodes[relay] = node
        window = self._windows.get(node)
        if window is None:
            window = self._windows[node] = Window(self._width)
        return window.enter(relay, is_urgent=is_urgent)

    def leave(self, relay: Address) -> Address | None:
        """It has been answered, or wants nothing any more; harmless if it was not here. Who may ask in its place."""
        node = self._nodes.pop(relay, None)
        if node is None:
            return None
        if not self._nodes:
            self._nodes = {}  # or it keeps the size it had with a crowd in it
        window = self._windows[node]
        successor = window.leave(relay)
        if not window:
            del self._windows[node]
        return successor
