"""Dead letters: messages that nobody will ever receive, counted, and shown to whoever wants to see them.

A message dies when it is told to an actor that has stopped for good, or waits in its mailbox as it stops.

The rules:
- Counting is always on. Nothing else is done, and nothing is kept, while nobody watches.
- Who watches is told in the ordinary way, so its own mailbox bounds what is kept. What a watcher cannot take is
  not a dead letter again: there is no loop, however dead or full it is.
- An actor that watches is forgotten when it has stopped for good.
"""

from __future__ import annotations

from dataclasses import dataclass

from actors.address import Address
from actors.messages import Tell


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message that nobody will receive.

    Args:
        address: whom it was for.
        message: what it was.
    """

    address: Address
    message: object


class DeadLetters:
    """The dead letters of a system.

    Attributes:
        count: how many there were.
    """

    __slots__ = ("_telling", "_watchers", "count")

    def __init__(self) -> None:
        self.count = 0
        self._watchers: dict[Tell, None] = {}
        self._telling = False

    def watch(self, watcher: Tell) -> None:
        """Tell `watcher`, an actor's address or an inbox, a `DeadLetter` for each from now on."""
        self._watchers[watcher] = None

    def unwatch(self, watcher: Tell) -> None:
        """Tell it no more; harmless if it was never told."""
        self._watchers.pop(watcher, None)

    def lost(self, address: Address, message: object) -> None:
        """For the runtime: nobody will receive this."""
        if self._telling:
            return
        self.count += 1
        if self._watchers and not isinstance(message, DeadLetter):
            self._tell(DeadLetter(address, message))

    def _tell(self, letter: DeadLetter) -> None:
        self._telling = True
        for watcher in tuple(self._watchers):
            if not watcher.tell(letter) and isinstance(watcher, Address) and not watcher.alive:
                self.unwatch(watcher)
        self._telling = False
