"""What the death of one of many nodes makes: counted from who is where. Pure, the same for one seed.

The rules, as in docs/cluster.md: what the dead one owned is taken by the others; each room in it that somebody listens
to is opened where it is owned then, and every relay of it that is left subscribes there anew. The people of the dead
one come to the others, any alike, and each attaches to all their rooms: where they are the first of a room at a node,
that is a relay more.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

from msgspec import Struct

from loadtest.plans import Plan
from tests.bench.simulation.placing import Cluster, balanced, moved
from tests.bench.simulation.relaying import placed, spread


class Death(Struct, frozen=True, kw_only=True):
    """What follows from it, in all nodes that are left together.

    Attributes
    ----------
    shards
        That have another owner.
    turns
        Until all of them do, from when it is buried.
    hellos
        People who come again.
    opened
        Rooms that are opened.
    resubscribed
        Relays of these rooms that were there already.
    new_relays
        That come to be by those who come.
    most_hellos, most_opened
        At the node that has the most.
    """

    nodes: int
    people: int
    shards: int
    turns: int
    hellos: int
    opened: int
    resubscribed: int
    new_relays: int
    most_hellos: int
    most_opened: int


def death(plan: Plan, nodes: int, seed: int) -> Death:
    """One of so many dies, and everything comes to rest."""
    before = balanced(nodes)
    names = [node.name for node in before.live]
    dead = names[seed % nodes]
    after = before.without(dead)
    turns = after.settle()
    where = spread(plan.people, names, seed)
    again = _come_again(where, dead, [node.name for node in after.live], seed)
    opened: Counter[str] = Counter()
    resubscribed = new_relays = 0
    rooms = zip(placed(plan, where, before.owner_of), placed(plan, again, after.owner_of), strict=True)
    for then, now in rooms:
        listened = then.at.keys() - {dead}
        if then.owner != now.owner:
            opened[now.owner] += 1
            resubscribed += len(listened - {now.owner})
        new_relays += len(now.at.keys() - listened - {now.owner})
    hellos = Counter(node for node, then in zip(again, where, strict=True) if then == dead)
    return Death(
        nodes=nodes,
        people=plan.people,
        shards=moved(before.owners, after.owners).total(),
        turns=turns,
        hellos=hellos.total(),
        opened=opened.total(),
        resubscribed=resubscribed,
        new_relays=new_relays,
        most_hellos=max(hellos.values(), default=0),
        most_opened=max(opened.values(), default=0),
    )


def _come_again(where: Sequence[str], dead: str, living: Sequence[str], seed: int) -> list[str]:
    chance = random.Random(f"{seed} come again")
    return [chance.choice(living) if node == dead else node for node in where]


class Grown(Struct, frozen=True, kw_only=True):
    """Nodes that came to one that owned everything: how many turns until all have their shares, and what moved."""

    nodes: int
    turns: int
    shards: int


def grown(nodes: int) -> Grown:
    """From one node to so many at once: the most there is to be handed over, and one who hands over all of it."""
    names = [node.name for node in balanced(nodes).live]
    alone = Cluster(names[:1])
    alone.settle()
    together = alone.joined_by(names[1:])
    turns = together.settle()
    return Grown(nodes=nodes, turns=turns, shards=moved(alone.owners, together.owners).total())
