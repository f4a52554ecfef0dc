"""What things were measured to cost, each with where that stands. Read from the reports that are committed, where these
have it; what only a page has is written down here with the page's name.

The rule: nothing here is a guess. A cost that depends on how busy things are has two values, the cheap and the dear
one.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from msgspec import Struct

from loadtest.prove.results import read
from tests.bench.growth.results import read as read_growth
from tests.bench.simulation.relaying import expected_relays

PROOF: Final = Path(__file__).parents[3] / "docs" / "proof"
_US: Final = 1e-6
_ENDS: Final = 2
MEMBERS: Final = 10
"""Of the small rooms in these reports."""


class Cost(Struct, frozen=True):
    """`most`: where it depends on how much is done at once, what it costs alone. Seconds of CPU, or bytes."""

    least: float
    most: float
    source: str


class Costs(Struct, frozen=True, kw_only=True):
    """Of one process of the server, of the engine, and of the database.

    Attributes
    ----------
    person, relay, socket, base
        Bytes: of somebody whose rooms are all of their own node; of a relay and of what its owner has for it, at rest,
        and with all that came with it; of the server's end of a connection, in the kernel; of a process without people.
    hello
        Of somebody who comes to rooms all over a cluster, all processes together.
    post, delivery
        Of a post that is stored, and of telling one person.
    packet
        Between two nodes, both together.
    engine_packet, engine_number
        Of the engine: a packet that is published and heard; one number of a look at all.
    row, database_hello, database_node
        Of the database: a post; somebody who comes; a node in a second.
    """

    person: Cost
    relay: Cost
    socket: Cost
    base: Cost
    hello: Cost
    post: Cost
    delivery: Cost
    packet: Cost
    engine_packet: Cost
    engine_number: Cost
    row: Cost
    database_hello: Cost
    database_node: Cost

    def each(self) -> Iterator[tuple[str, Cost]]:
        return ((name, getattr(self, name)) for name in self.__struct_fields__)


def costs(proof: Path = PROOF) -> Costs:
    """From the reports in `docs/proof/`: 18,000 people in a process, 100,000 over six, 1.3 million over 73, and growth.

    Where people are not gathered (`server/gateway/gathering.py`), relays are as many as chance has it: that is how the
    1.3 million were measured.
    """
    one, many, scattered = (read(proof / name / "results.json") for name in ("18000", "100000", "1300000"))
    assert one.memory is not None
    assert many.memory is not None
    assert scattered.memory is not None
    assert one.memory.server_unique is not None
    assert scattered.memory.server_unique is not None
    assert many.memory.server_base is not None
    relays = expected_relays(MEMBERS, scattered.forecast.workers) / MEMBERS
    beside = read_growth(proof / "growth" / "results.json").beside
    assert beside is not None, "engine and database were measured"
    few, most = min(beside.look, key=int), max(beside.look, key=int)
    number = (beside.look[most] - beside.look[few]) / (int(most) - int(few))
    measured = "docs/proof/growth/results.json"
    return Costs(
        person=_one(one.memory.server_unique, "docs/proof/18000/results.json: memory.server_unique"),
        relay=Cost(
            1_128 + 498,
            (scattered.memory.server_unique - one.memory.server_unique) / relays,
            "docs/figures.md, what a relay has at rest; docs/proof: what a person of 1.3 million took more",
        ),
        socket=_one(many.memory.slab / _ENDS, "docs/proof/100000/results.json: half of memory.slab"),
        base=_one(
            many.memory.server_base / many.forecast.workers,
            "docs/proof/100000/results.json: memory.server_base, by six",
        ),
        hello=_one(1_530 * _US, "docs/figures.md, a crowd that comes to six workers: 20,000 people"),
        post=_one(105 * _US, "docs/figures.md, durable posts, 200 posters"),
        delivery=Cost(1.3 * _US, 7.9 * _US, "docs/figures.md, delivery in a room of 200, eight and one post in flight"),
        packet=Cost(58 * _US, 235 * _US, "docs/figures.md, several nodes: two messages, 16 in flight and alone"),
        engine_packet=Cost(
            min(beside.packet.values()) * _US, max(beside.packet.values()) * _US, f"{measured}: 16 in flight and alone"
        ),
        engine_number=_one(number * _US, f"{measured}: from looks at {few} and {most} numbers"),
        row=_one(beside.post * _US, f"{measured}: at {beside.posts_a_second:,.0f} posts a second"),
        database_hello=_one(beside.hello * _US, measured),
        database_node=_one(beside.idle_node * _US, measured),
    )


def _one(value: float, source: str) -> Cost:
    return Cost(value, value, source)
