"""What a supervisor and its children ask of each other, so that actors, tasks and supervisors are children alike."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Protocol

import trio

from actors.introspect import Node
from actors.policy import Restart

if TYPE_CHECKING:
    from actors.address import Address
    from actors.system import System


class Readiness:
    """How a start turned out, once it has. The first word counts."""

    __slots__ = ("_event", "_failure")

    def __init__(self) -> None:
        self._event = trio.Event()
        self._failure: BaseException | None = None

    @property
    def known(self) -> bool:
        """Whether it has turned out, one way or the other."""
        return self._event.is_set()

    def resolve(self, failure: BaseException | None = None) -> None:
        """It is ready, or has failed."""
        if not self.known:
            self._failure = failure
            self._event.set()

    async def wait(self) -> BaseException | None:
        """Wait until it is known; None if it is ready."""
        await self._event.wait()
        return self._failure


class Parent(Protocol):
    """A supervisor, as its children see it."""

    @property
    def path(self) -> str:
        """Where it stands in the tree."""
        ...

    @property
    def system(self) -> System:
        """The system it belongs to."""
        ...

    @property
    def nursery(self) -> trio.Nursery:
        """Where its tasks run."""
        ...

    def child_ended(self, child: Child, reason: object) -> None:
        """A child has ended; of one that is not up any more, this is no news."""
        ...


class Child(Protocol):
    """A child, as its supervisor sees it.

    Attributes:
        id: its name among its siblings.
        path: where it stands in the tree.
        restart: when it is started again.
        up: whether it was started, and neither stopped nor seen to have ended.
    """

    id: str
    path: str
    restart: Restart
    up: bool

    async def start(self) -> None:
        """Start it, and wait until it is ready. Raises `StartFailed`; then what is left of it is to be stopped."""
        ...

    async def stop(self) -> None:
        """Stop it in order, or by force when its time is up. Harmless when it does not run."""
        ...

    def close(self, reason: object) -> None:
        """Nobody will start it again: give back what is kept between two lives."""
        ...

    def addresses(self) -> Iterator[Address]:
        """The addresses of all actors in it."""
        ...

    def describe(self, most: int) -> Node:
        """It, as a part of the tree, with at most so many children of each dynamic supervisor."""
        ...
