"""What goes from node to node for the people of some rooms: counted from who is where. Pure, the same for one seed.

The rules are those of `server/relays/` and `server/rooms/`, as counts:

- A room has a relay on every node where somebody of it is attached, but on its owner's (`Placed.relays`).
- A relay subscribes once. Of each person at it the owner is asked, many in one message where many come.
- A post at a relay is forwarded, and its answer comes back. An entry is told each relay once, whoever wrote it, and in
  the packet of the answer where there is one.
- For `LATELY_SECONDS` after an entry each relay is told every second how far the log reaches.

That these counts are what real rooms and relays say to each other is what `real_nodes.py` is for.

Taken to be so: a balancer sends everybody to any node alike; everybody is there; one post at a time, so that none
shares a commit with another, which would make less traffic.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct

from loadtest.plans import Plan
from loadtest.scenarios.talking import LARGEST_ROOM
from server.relays.heads import EVERY_SECONDS
from server.rooms.heads import LATELY_SECONDS

HEADS_TOLD: Final = round(LATELY_SECONDS / EVERY_SECONDS) + 1
"""Of one entry to one relay: at once when the first second is over, and so on until the last."""


class Placed(Struct, frozen=True):
    """A room among the nodes. `at`: how many of its people are attached where."""

    room: str
    owner: str
    at: Mapping[str, int]

    @property
    def size(self) -> int:
        return sum(self.at.values())

    @property
    def relays(self) -> int:
        return len(self.at) - (self.owner in self.at)

    @property
    def remote(self) -> int:
        """People who are not at the owner's node."""
        return self.size - self.at.get(self.owner, 0)


class Counted(Struct, frozen=True, kw_only=True):
    """What nodes tell each other: messages, but for people and rooms that share one.

    Attributes
    ----------
    subscribe, forwarded, delivered
        Messages; what is forwarded has an answer.
    admitted
        People of whom an owner was asked.
    heads
        Rooms of which a node was told how far the log reaches, each time.
    """

    subscribe: float = 0.0
    admitted: float = 0.0
    forwarded: float = 0.0
    delivered: float = 0.0
    heads: float = 0.0

    def __add__(self, other: Counted) -> Counted:
        return Counted(
            subscribe=self.subscribe + other.subscribe,
            admitted=self.admitted + other.admitted,
            forwarded=self.forwarded + other.forwarded,
            delivered=self.delivered + other.delivered,
            heads=self.heads + other.heads,
        )

    @property
    def packets(self) -> float:
        """Of a post: an answer goes with the entry that it is of."""
        return self.forwarded + self.delivered


NOTHING: Final = Counted()


def room_id(number: int) -> str:
    """As ids of rooms are, but for where they come from."""
    return f"r_{number:026d}"


def spread(people: int, nodes: Sequence[str], seed: int) -> list[str]:
    """To which node a balancer sent each."""
    return random.Random(f"{seed} spread").choices(nodes, k=people)


def placed(plan: Plan, where: Sequence[str], owner_of: Callable[[str], str]) -> Iterator[Placed]:
    """Every room of a plan."""
    for number in range(plan.rooms):
        room = room_id(number)
        yield Placed(room, owner_of(room), Counter(where[person] for person in plan.members_of(room=number)))


def of_arrival(room: Placed) -> Counted:
    """Everybody of a room comes."""
    return Counted(subscribe=room.relays, admitted=room.remote)


def of_post(room: Placed, at: str) -> Counted:
    """Somebody who is attached at a node says something."""
    return Counted(forwarded=at != room.owner, delivered=room.relays, heads=room.relays * HEADS_TOLD)


def of_posts(room: Placed) -> Counted:
    """Of one post by anybody in the room, on the average over its people."""
    return Counted(forwarded=room.remote / room.size, delivered=room.relays, heads=float(room.relays * HEADS_TOLD))


def expected_relays(size: int, nodes: int) -> float:
    """Of a room of `size` people that are anywhere alike, with an owner that is anywhere: nodes but the owner's that
    have at least one of them."""
    return float((nodes - 1) * (1 - (1 - 1 / nodes) ** size))


class Traffic(Struct, frozen=True, kw_only=True):
    """Of all rooms of a plan over some nodes.

    Attributes
    ----------
    relays, relays_expected
        For each person: as drawn, and by the formula.
    post
        What the average post makes.
    packets
        For each post.
    worst_owner
        How many times as many packets the busiest owner sends for posts as the average node.
    owners
        Nodes that own any room.
    """

    nodes: int
    people: int
    rooms: int
    relays: float
    relays_expected: float
    post: Counted
    packets: float
    worst_owner: float
    owners: int


def talks(size: int) -> bool:
    """Whether people post there: in the largest they only listen, as load tests have it."""
    return size <= LARGEST_ROOM


def traffic(plan: Plan, rooms: Iterable[Placed], nodes: int) -> Traffic:
    """Everybody posts as often in each of their rooms in which people talk; where there is none, in all."""
    every = list(rooms)
    spoken = [room for room in every if talks(room.size)] or every
    posts = sum(room.size for room in spoken)
    total = NOTHING
    sent: Counter[str] = Counter()
    for room in spoken:
        counted = of_posts(room)
        total += Counted(
            forwarded=counted.forwarded * room.size,
            delivered=counted.delivered * room.size,
            heads=counted.heads * room.size,
        )
        sent[room.owner] += round((counted.delivered + counted.forwarded) * room.size)
    post = Counted(forwarded=total.forwarded / posts, delivered=total.delivered / posts, heads=total.heads / posts)
    mean = sent.total() / nodes
    return Traffic(
        nodes=nodes,
        people=plan.people,
        rooms=plan.rooms,
        relays=sum(room.relays for room in every) / plan.people,
        relays_expected=sum(expected_relays(room.size, nodes) for room in every) / plan.people,
        post=post,
        packets=post.packets,
        worst_owner=max(sent.values()) / mean if mean else 0.0,
        owners=len({room.owner for room in every}),
    )
