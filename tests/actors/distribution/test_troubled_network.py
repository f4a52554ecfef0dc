"""Three nodes on a network that loses, delays and reorders packets, and cuts nodes off."""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import permutations

import pytest
import trio
import trio.testing

from actors import Actor, ActorSpec, Address, Answer, Down, MemoryNetwork, NoAnswer, get_state
from tests.actors.distribution.small_nodes import Place, open_places
from tests.actors.small_actors import Read

SECONDS = 30.0
"""Of trouble."""


class Teller(Actor):
    """Tells a recorder on another node what it has to say, and asks a counter there.

    Its history is what it has told, and `Down` wherever it heard that something may be missing.
    """

    __slots__ = ("asked", "counter", "ended", "history", "name", "recorder", "watching")

    def __init__(self, name: str, recorder: Address, counter: Address) -> None:
        self.name = name
        self.recorder = recorder
        self.counter = counter
        self.asked = self.ended = 0
        self.watching = False
        self.history: list[object] = []

    def receive(self, message: object) -> None:
        match message:
            case "go on":
                self.go_on()
            case Down(self.recorder):
                self.history.append(message)
                self.watching = False
            case Answer() | NoAnswer():
                self.ended += 1

    def go_on(self) -> None:
        if not self.watching:
            self.watching = True
            self.watch(self.recorder)
        thing = f"{self.name} {len(self.history):06}"
        if self.recorder.tell(thing):
            self.history.append(thing)
        self.asked += 1
        self.send_request(self.counter, Read, seconds=20.0)


def tellers_on(places: Sequence[Place]) -> list[tuple[Address, Place]]:
    """One on each node for each other one; and where it is that it tells."""
    tellers: list[tuple[Address, Place]] = []
    for here, there in permutations(places, 2):
        name = f"{here.there.node} to {there.there.node}"
        recorder = here.there.address(there.there.node, "recorder")
        counter = here.there.address(there.there.node, "counters/all")
        tellers.append((here.system.spawn(ActorSpec(name, Teller, (name, recorder, counter), name=name)), there))
    return tellers


def harm(network: MemoryNetwork, here: Place, there: Place, dice: random.Random) -> None:
    """Something happens on the way from one node to another."""
    way = here.there.node, there.there.node
    match dice.choice(["drop", "drop", "shuffle", "delay", "cut", "mend", "mend", "down", "up"]):
        case "drop":
            network.drop(*way, packets=dice.randint(1, 3))
        case "shuffle":
            network.delay(*way, seconds=lambda: dice.random() * 0.1)
        case "delay":
            network.delay(*way, seconds=lambda: 0.3)
        case "cut":
            network.cut(*way)
        case "mend":
            network.mend(*way)
        case "down":
            here.there.node_down(way[1])
        case "up":
            here.there.node_up(way[1])


@pytest.mark.parametrize("seed", range(5))
async def test_nothing_is_missing_in_silence(seed: int, autojump_clock: trio.testing.MockClock) -> None:
    dice = random.Random(seed)
    async with open_places("a", "b", "c") as (network, places):
        tellers = tellers_on(places)
        ways = list(permutations(places, 2))
        until = trio.current_time() + SECONDS
        while trio.current_time() < until:
            if dice.random() < 0.05:
                harm(network, *dice.choice(ways), dice)
            for teller, _ in tellers:
                teller.tell("go on")
            await trio.sleep(0.05)
        for here, there in ways:
            network.mend(here.there.node, there.there.node)
            here.there.node_up(there.there.node)
        await trio.sleep(30.0)

        resets = 0
        for teller, there in tellers:
            state = get_state(teller)
            history, asked, ended = state["history"], state["asked"], state["ended"]
            assert isinstance(history, list)
            heard = [thing for thing in there.log if str(thing).startswith(f"{state['name']} ")]
            assert heard == sorted(set(heard), key=str), "twice, or out of order"
            known_until = max((at for at, event in enumerate(history) if isinstance(event, Down)), default=-1)
            resets += sum(isinstance(event, Down) for event in history)
            missing = set(history[known_until + 1 :]) - set(heard)
            assert not missing, "it is missing, and nobody knows"
            assert asked == ended, "a question ended in silence"
            assert heard
        assert resets, "there was no trouble"
