"""Ping-pong: two actors that ask each other, fall together, and know when to stop waiting.

    python -m actors.examples.ping_pong

A game needs both players: they are linked, so a crash of one is the end of both, and their supervisor starts both
again. A ball that does not come back in time ends the game: every question has a deadline.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from functools import partial

import trio

from actors import (
    SHUTDOWN,
    Actor,
    ActorSpec,
    Address,
    Answer,
    AskFailed,
    Intensity,
    NoAnswer,
    Reply,
    Restart,
    SupervisorSpec,
    ask,
    open_system,
)


@dataclass(frozen=True)
class Ping:
    """A ball; wants to be answered with its number."""

    number: int
    reply_to: Reply[int]


@dataclass(frozen=True)
class Play:
    """Play until the ball is lost, and say how many came back."""

    reply_to: Reply[int]


class Ponger(Actor):
    """Stumbles over the third ball of its first life, and does not see the fifth one of any."""

    __slots__ = ()

    def receive(self, message: object) -> None:
        match message:
            case Ping(3, _) if self.address.incarnation == 1:
                raise RuntimeError("stumbled")
            case Ping(number, reply_to) if number < 5:
                reply_to.tell(number)


class Pinger(Actor):
    """Serves, and plays on with every ball that comes back."""

    __slots__ = ("game", "ponger")

    def __init__(self, ponger: str) -> None:
        self.ponger = ponger

    def started(self) -> None:
        self.link(self._other())

    def receive(self, message: object) -> None:
        match message:
            case Play():
                self.game = message.reply_to
                self._ping(1)
            case Answer(_, int(number)):
                print(f"life {self.address.incarnation}: pong {number}")
                self._ping(number + 1)
            case NoAnswer(int(number), failure):
                print(f"life {self.address.incarnation}: ball {number} is lost: {failure}")
                self.game.tell(number - 1)
                self.unlink(self._other())  # from here on each may end as it likes

    def stopped(self, reason: object) -> None:
        if reason is not SHUTDOWN:
            print(f"life {self.address.incarnation}: falls with the other: {reason}")

    def _ping(self, number: int) -> None:
        self.send_request(self._other(), partial(Ping, number), seconds=0.1, label=number)

    def _other(self) -> Address:
        other = self.system.whereis(self.ponger)
        assert other is not None, "it is started first"
        return other


TREE = SupervisorSpec(
    "table",
    [
        ActorSpec("ponger", Ponger, name="ponger"),
        ActorSpec("pinger", Pinger, ("ponger",), name="pinger", restart=Restart.TRANSIENT),
    ],
    intensity=Intensity(restarts=2, seconds=5.0),  # a fall of both counts twice
)


async def main() -> None:
    async with open_system(TREE) as system:
        pinger = system.whereis("pinger")
        assert pinger is not None
        for _ in range(2):
            try:
                came_back: int = await ask(pinger, Play, seconds=5.0)
                print("came back:", came_back)
            except AskFailed as failure:
                print("no result:", failure)


if __name__ == "__main__":
    logging.getLogger("actors").setLevel(logging.CRITICAL)  # each crash is logged with its traceback
    trio.run(main)
