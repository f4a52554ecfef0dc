"""What goes wrong in a chaos run, and when: pure, and the same for the same seed.

Troubles come one after the other with pauses between them in which all has to be well again, and now and then two
at once, because it is the second one that finds what nobody thought of. Each says how long it lasts; what it takes to
end it (starting what was killed, healing what was cut) belongs to it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from random import Random

SETTLED_BEFORE = 20.0
"""Seconds at the end in which nothing goes wrong any more: longer than a lease, a deadline and a reconnect together."""

STOPPED_SECONDS = 15.0
"""How long a stopped node sleeps: several leases."""


class Trouble(StrEnum):
    """One way in which something fails."""

    NODE_KILLED = "node killed"
    NODE_RESTARTED = "node restarted in order"
    NODE_STOPPED = "node stopped, and woken"
    ENGINE_KILLED = "engine killed, back with an empty memory"
    DATABASE_KILLED = "database killed, and back"
    CUT_FROM_ENGINE = "node cut off from the engine"
    CUT_FROM_DATABASE = "node cut off from the database"
    CUT_FROM_BOTH = "node cut off from engine and database"
    ROLLED = "all workers rolled"


OF_A_NODE = frozenset(
    {
        Trouble.NODE_KILLED,
        Trouble.NODE_RESTARTED,
        Trouble.NODE_STOPPED,
        Trouble.CUT_FROM_ENGINE,
        Trouble.CUT_FROM_DATABASE,
        Trouble.CUT_FROM_BOTH,
    }
)

OF_NODES = tuple(trouble for trouble in Trouble if trouble is not Trouble.ROLLED)
"""Of nodes that are processes by themselves."""

OF_WORKERS = (
    Trouble.NODE_KILLED,
    Trouble.NODE_RESTARTED,
    Trouble.NODE_STOPPED,
    Trouble.ENGINE_KILLED,
    Trouble.ROLLED,
)
"""Of workers of one machine, which have a parent, and a file for a database."""

_START_AGAIN = 8.0  # seconds for a node to serve again, on a machine that is busy

_LASTS: dict[Trouble, tuple[float, float]] = {
    Trouble.NODE_KILLED: (0.5, 6.0),
    Trouble.NODE_RESTARTED: (0.0, 0.5),
    Trouble.NODE_STOPPED: (STOPPED_SECONDS, STOPPED_SECONDS),
    Trouble.ENGINE_KILLED: (0.2, 4.0),
    Trouble.DATABASE_KILLED: (0.2, 3.0),
    Trouble.CUT_FROM_ENGINE: (2.0, 10.0),
    Trouble.CUT_FROM_DATABASE: (2.0, 10.0),
    Trouble.CUT_FROM_BOTH: (2.0, 10.0),
    Trouble.ROLLED: (0.0, 0.5),
}


@dataclass(frozen=True, slots=True)
class Event:
    """Something that goes wrong.

    Parameters
    ----------
    at, lasts
        Seconds from the beginning of the run; seconds until it is mended.
    node
        Which one, by number; None where it concerns all.
    """

    at: float
    lasts: float
    trouble: Trouble
    node: int | None

    def __str__(self) -> str:
        where = "" if self.node is None else f" {self.node}"
        return f"{self.at:6.1f} s  {self.trouble}{where}, for {self.lasts:.1f} s"


def schedule(seed: int, seconds: float, nodes: int, troubles: tuple[Trouble, ...] = OF_NODES) -> list[Event]:
    """What goes wrong in a run of so many seconds, in order of time. No node is in two troubles at once."""
    chance = Random(seed)
    events: list[Event] = []
    busy_until: dict[int | None, float] = {}
    now = chance.uniform(3.0, 6.0)
    while True:
        trouble = chance.choice(troubles)
        lasts = chance.uniform(*_LASTS[trouble])
        if now + lasts > seconds - SETTLED_BEFORE:
            return events
        free = [node for node in range(nodes) if busy_until.get(node, 0.0) <= now]
        node = chance.choice(free) if trouble in OF_A_NODE and free else None
        if (trouble in OF_A_NODE) == (node is not None) and busy_until.get(node, 0.0) <= now:
            events.append(Event(now, lasts, trouble, node))
            busy_until[node] = now + lasts + _START_AGAIN
        together = chance.random() < 0.2
        now += chance.uniform(0.2, 2.0) if together else lasts + chance.uniform(3.0, 9.0)
