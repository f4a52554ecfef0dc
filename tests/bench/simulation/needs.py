"""What so many people take, by the measured costs and the counted traffic: arithmetic, and where it comes to an end.

Everybody is there and in rooms of ten, wherever a balancer has sent them; a process has 18,000, and a core of its own.
Two paces: people who chat all the time (load tests' model), and one post in twenty minutes of each, which is a guess
at a service whose people mostly have it open. Left out, because nobody has measured it: what many cores and disks do
for the database, networks between machines, TLS, and push to phones.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import cache
from math import ceil
from sys import getsizeof
from typing import Final

from msgspec import Struct

from loadtest.behaviour import POSTS_A_SECOND
from server.placement.shards import SHARDS
from server.store.room_messages import MemberRecord
from tests.bench.simulation.costs import MEMBERS, Cost, Costs
from tests.bench.simulation.engine_load import EngineLoad, engine_load
from tests.bench.simulation.relaying import HEADS_TOLD, Counted, expected_relays

A_NODE: Final = 18_000
"""People of a process: docs/proof/18000."""

PACES: Final = {"lively": POSTS_A_SECOND, "quiet": 1 / 1_200}
"""Posts a second of each."""

A_MACHINE: Final = 16
"""Processes of a machine, of so many cores."""

MOST_NODES: Final = 1 << 20
SAMPLE: Final = 100_000
"""Members, whose memory is counted."""


class Span(Struct, frozen=True):
    """From the cheap to the dear end."""

    least: float
    most: float


class Needs(Struct, frozen=True, kw_only=True):
    """Of so many people at one pace. Cores are those that are busy; memory in bytes.

    Attributes
    ----------
    memory
        Of a machine with its 16 processes: their own, and the kernel's for sockets.
    server
        Of a process: how much of a core it uses.
    engine, commands
        Cores of the engine, which has one, and commands a second.
    database, rows
        Cores, and posts a second; `idle` of these cores for nodes that have nothing to do.
    lease_rows
        Rows of nodes that are read in a second by those who renew their leases.
    hello_of_process, hello_of_database
        Seconds of CPU for all to come at once.
    rooms_of_dead, relays_of_dead
        Rooms that are opened, and relays that subscribe anew, when a process dies.
    """

    people: int
    pace: str
    nodes: int
    machines: int
    memory: Span
    posts: float
    packets: float
    server: Span
    commands: float
    engine: Span
    rows: float
    database: float
    idle: float
    lease_rows: float
    hello_of_process: float
    hello_of_database: float
    rooms_of_dead: float
    relays_of_dead: float


def of_post(nodes: int) -> Counted:
    """Of the average post in a room of ten, by the formula that the simulation is held against."""
    relays = expected_relays(MEMBERS, nodes)
    return Counted(forwarded=1 - 1 / nodes, delivered=relays, heads=relays * HEADS_TOLD)


def needs(costs: Costs, people: int, pace: str) -> Needs:
    nodes = ceil(people / A_NODE)
    post, posts = of_post(nodes), people * PACES[pace]
    load = engine_load(nodes, posts, post)
    machines = ceil(nodes / A_MACHINE)
    shards = SHARDS / min(nodes, SHARDS)
    opened = people / MEMBERS * shards / SHARDS
    return Needs(
        people=people,
        pace=pace,
        nodes=nodes,
        machines=machines,
        memory=_span(lambda of: _memory(of, costs, people, nodes) / machines),
        posts=posts,
        packets=post.packets,
        server=_span(lambda of: posts / nodes * _of_server(of, costs, post)),
        commands=load.commands,
        engine=_span(lambda of: _of_engine(of, costs, load)),
        rows=posts,
        database=posts * costs.row.least + nodes * costs.database_node.least,
        idle=nodes * costs.database_node.least,
        lease_rows=float(nodes**2),
        hello_of_process=people / nodes * costs.hello.least,
        hello_of_database=people * costs.database_hello.least,
        rooms_of_dead=opened,
        relays_of_dead=opened * expected_relays(MEMBERS, nodes),
    )


def _memory(of: Callable[[Cost], float], costs: Costs, people: int, nodes: int) -> float:
    relays = expected_relays(MEMBERS, nodes) / MEMBERS
    return people * (of(costs.person) + of(costs.socket) + relays * of(costs.relay)) + nodes * of(costs.base)


def _of_server(of: Callable[[Cost], float], costs: Costs, post: Counted) -> float:
    """Seconds of a post, all processes together. A room of ten has a delivery or two in each: never a cheap one."""
    return of(costs.post) + MEMBERS * costs.delivery.most + post.packets * of(costs.packet)


def _of_engine(of: Callable[[Cost], float], costs: Costs, load: EngineLoad) -> float:
    return load.commands * of(costs.engine_packet) + load.entries * costs.engine_number.least


def _span(of: Callable[[Callable[[Cost], float]], float]) -> Span:
    return Span(of(lambda cost: cost.least), of(lambda cost: cost.most))


class Limits(Struct, frozen=True, kw_only=True):
    """People up to whom one of a kind suffices, at one pace; as far as CPU goes, and no further."""

    pace: str
    engine: Span
    database_core: float
    shards: int


def limits(costs: Costs, pace: str) -> Limits:
    def up_to(used: Callable[[Needs], float]) -> float:
        """The most processes with which less than a core is used, as people."""
        low, high = 1, MOST_NODES
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if used(needs(costs, middle * A_NODE, pace)) <= 1 else (low, middle)
        return float(low * A_NODE)

    return Limits(
        pace=pace,
        engine=Span(up_to(lambda found: found.engine.most), up_to(lambda found: found.engine.least)),
        database_core=up_to(lambda found: found.database),
        shards=SHARDS * A_NODE,
    )


class HotRoom(Struct, frozen=True, kw_only=True):
    """A room with all of so many people.

    Attributes
    ----------
    relays
        To whom its owner tells each entry.
    members
        Bytes that the owner has of them (docs/decisions/0005-rooms-know-their-members.md), as the interpreter counts.
    owner
        Seconds of CPU at the owner's for a post: its half of each packet.
    node
        Seconds of CPU of each process, to tell its own people.
    posts
        A second, before the owner's core or those who tell are full.
    """

    people: int
    relays: int
    members: int
    owner: Span
    node: Span
    posts: Span


def hot_room(costs: Costs, people: int) -> HotRoom:
    nodes = ceil(people / A_NODE)
    owner = _span(lambda of: (nodes - 1) * of(costs.packet) / 2)
    node = _span(lambda of: people / nodes * of(costs.delivery))
    return HotRoom(
        people=people,
        relays=nodes - 1,
        members=round(people * bytes_of_member()),
        owner=owner,
        node=node,
        posts=Span(1 / max(owner.most + node.most, 1e-9), 1 / max(owner.least + node.least, 1e-9)),
    )


@cache
def bytes_of_member() -> float:
    members = {f"u_{number:026d}": MemberRecord("member", SAMPLE, SAMPLE) for number in range(SAMPLE)}
    one, record = next(iter(members.items()))
    return getsizeof(members) / SAMPLE + getsizeof(one) + getsizeof(record) + 2 * getsizeof(SAMPLE)


def told(costs: Costs) -> Iterator[str]:
    """Lines."""
    yield "what was measured"
    for name, cost in costs.each():
        unit, times = (" bytes", 1.0) if cost.least >= 1 else (" us", 1e6)
        most = "" if cost.most == cost.least else f" to {cost.most * times:,.1f}"
        yield f"  {name:16} {cost.least * times:,.1f}{most}{unit}  ({cost.source})"
    for pace in PACES:
        for people in (100_000, 1_000_000, 10_000_000, 100_000_000):
            yield from ("", *_told(needs(costs, people, pace)))
        found = limits(costs, pace)
        yield ""
        yield (
            f"{pace}: one engine suffices for {_many(found.engine)} people, a core of the database for "
            f"{found.database_core:,.0f}, and beyond {found.shards:,} people there are processes without a shard"
        )
    yield ""
    for people in (100_000, 1_000_000, 10_000_000, 100_000_000):
        room = hot_room(costs, people)
        yield (
            f"a room of {people:,}: {room.relays:,} relays, {room.members / 1e6:,.0f} MB of members; a post takes "
            f"{_ms(room.owner)} of its owner and {_ms(room.node)} of each process; {_few(room.posts)} posts a second"
        )


def _told(found: Needs) -> Iterator[str]:
    yield f"{found.people:,} people, {found.pace}: one post of each in {1 / PACES[found.pace]:,.0f} s"
    yield f"  {found.nodes:,} processes on {found.machines:,} machines of {A_MACHINE} cores"
    memory = f"{found.memory.least / 1e9:.1f} to {found.memory.most / 1e9:.1f} GB"
    yield f"  memory of a machine {memory}, the kernel's for sockets included"
    yield f"  {found.posts:,.0f} posts a second, each {found.packets:.1f} packets"
    yield f"  servers: a process uses {_few(found.server)} cores"
    yield f"  engine: {found.commands:,.0f} commands a second, {_few(found.engine)} cores"
    yield (
        f"  database: {found.rows:,.0f} rows a second, {found.database:.2f} cores, {found.idle:.2f} of them for idle "
        f"nodes, which read {found.lease_rows:,.0f} rows of nodes a second"
    )
    yield (
        f"  all come at once: {found.hello_of_process:.0f} s of CPU of each process, "
        f"{found.hello_of_database:,.0f} s of the database"
    )
    yield f"  a process dies: {found.rooms_of_dead:,.0f} rooms are opened, {found.relays_of_dead:,.0f} relays subscribe"


def _few(span: Span) -> str:
    return f"{span.least:,.2f} to {span.most:,.2f}"


def _many(span: Span) -> str:
    return f"{span.least:,.0f} to {span.most:,.0f}"


def _ms(span: Span) -> str:
    return f"{span.least * 1e3:,.1f} to {span.most * 1e3:,.1f} ms"
