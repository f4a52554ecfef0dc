"""Two nodes and the network between them, for tests of what one tells, asks and hears of the other."""

from __future__ import annotations

from actors import (
    ActorSpec,
    Address,
    Answer,
    Down,
    MemoryNetwork,
    NoAnswer,
)
from tests.actors.distribution.small_nodes import Place
from tests.actors.small_actors import Boom, Script


class Pair:
    """Two nodes and the network between them."""

    def __init__(self, network: MemoryNetwork, a: Place, b: Place) -> None:
        self.network = network
        self.a = a
        self.b = b

    def cut(self) -> None:
        """Nothing gets through any more."""
        self.network.cut("a", "b")
        self.network.cut("b", "a")

    def mend(self) -> None:
        """It does again."""
        self.network.mend("a", "b")
        self.network.mend("b", "a")


def downs(place: Place) -> list[tuple[object, type | object]]:
    """The deaths its recorder has heard of: whose, and the reason or its class."""
    return [
        (down.address.name, type(down.reason) if down.crashed else down.reason)
        for down in place.log
        if isinstance(down, Down)
    ]


class Keeping(Script):
    """Does what it is told to do, keeps questions, and writes down what it hears."""

    __slots__ = ("heard", "kept")

    def __init__(self, heard: list[object]) -> None:
        self.heard = heard
        self.kept: list[object] = []

    def crash(self) -> None:
        """What crashes on purpose does."""
        raise Boom

    def receive(self, message: object) -> None:
        if callable(message):
            message(self)
        elif isinstance(message, (Answer, NoAnswer)):
            self.heard.append(message)
        else:
            self.kept.append(message)


def scripted(place: Place, name: str = "scripted") -> tuple[Address, list[object]]:
    """One who does what it is told to do, and what it hears."""
    heard: list[object] = []
    return place.system.spawn(ActorSpec(name, Keeping, (heard,), name=name)), heard
