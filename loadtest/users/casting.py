"""What the master of a run and its processes say to each other, besides `scenarios/messages.py`.

They travel as msgpack in locust's own messages, by these names.
"""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec
from msgspec import Struct

from loadtest.scenarios.messages import Options, Order, Progress

CAST: Final = "hubbub_cast"
ORDER: Final = "hubbub_order"
LEFT: Final = "hubbub_left"
OVER: Final = "hubbub_over"
PROGRESS: Final = "hubbub_progress"
BROKEN: Final = "hubbub_broken"

T = TypeVar("T")


class Cast(Struct, frozen=True):
    """To each process before a run: you play these of the people, `range(player, options.connections, players)`.

    `run`: a number of this run. What is said under another one comes from a run that is over.
    """

    run: int
    player: int
    players: int
    host: str
    options: Options


class Given(Struct, frozen=True):
    """To all: an order."""

    run: int
    order: Order


class Left(Struct, frozen=True):
    """To each process that has not done what the order with this number says: so many are left of all, and among these
    it is the one at `place`, from 0. Each such word replaces the one before."""

    run: int
    order: int
    place: int
    left: int


class Over(Struct, frozen=True):
    """To all: nothing is wanted of you any more."""

    run: int


class Told(Struct, frozen=True):
    """From a process: how it is. `process`: its id on its machine."""

    run: int
    process: int
    progress: Progress


class Broken(Struct, frozen=True):
    """From a process: it cannot go on."""

    run: int
    player: int
    why: str


packed = msgspec.msgpack.encode


def unpacked(data: object, kind: type[T]) -> T:
    """What came.

    Raises
    ------
    msgspec.ValidationError
        The processes are of different versions.
    """
    assert isinstance(data, bytes)
    return msgspec.msgpack.decode(data, type=kind)
