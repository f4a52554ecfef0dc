"""The supervision tree: everything that lives in the server, in the order in which it starts.

Read the list from top to bottom: a child may rely on those above it, and stops before them. This is the only file
that knows all parts; each part gets what it needs as one value, from `server/parts.py`.

Two kinds of children. What belongs to everybody escalates: a task of the store, the accounts or the entrance is
restarted a few times, then its supervisor gives up, and with it the root, whose patience is nil: the process ends
with an error. The reactor is a child of the root itself, because every socket goes with it. What belongs to somebody
(a room, a session, a connection) has a breaker of its own, or is never restarted, and counts for nobody else.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Final

from actors import (
    ActorSpec,
    Backoff,
    ChildSpec,
    DynamicSpec,
    Intensity,
    Restart,
    SupervisorSpec,
    TaskContext,
    TaskSpec,
)
from server.accounts.blocking import run_blocks_sweep
from server.accounts.chosen import run_choices_sweep
from server.accounts.memberships import run_memberships_sweep
from server.accounts.passwords import run_hashing
from server.accounts.revocations import run_revocation_sweep
from server.accounts.usage import run_usage
from server.cluster.hints import HINTS, Hints
from server.cluster.hints import MAILBOX as HINTS_MAILBOX
from server.cluster.remote_writer import MAILBOX as WRITER_MAILBOX
from server.cluster.remote_writer import WRITER, RemoteWriter, WayToWriter, WriterForOthers
from server.cluster.users import MAILBOX as USERS_MAILBOX
from server.cluster.users import USERS, Users
from server.gateway.arrivals import Arrivals
from server.gateway.connection import Connection
from server.gateway.draining import Draining
from server.gateway.gateway import Gateway
from server.gateway.heartbeats import Heartbeats
from server.gateway.listener import Listener
from server.gateway.parsing import ParserPool
from server.gateway.peer import Proxies
from server.gateway.reactor import Reactor
from server.http_api.app import make_app
from server.http_api.late import LateApplication
from server.operators.answering import run_answering
from server.operators.app import make_operators_app
from server.operators.colleagues import Colleagues
from server.operators.door import door_for_operators
from server.operators.hosts import is_loopback
from server.operators.lag import LagProbe
from server.operators.oneself import Oneself
from server.operators.rounds import LongRounds
from server.pacing import run_sweep
from server.parent.place import WorkerPlace
from server.parts import (
    SESSIONS,
    Ground,
    Shared,
    gateway_limits,
    gathering,
    http_environment,
    mover_environment,
    now,
    operator_environment,
    relay_environment,
    room_environment,
    rooms_of,
    session_environment,
    users_environment,
    watching_environment,
)
from server.placement.mover import MOVER, Mover
from server.placement.ownership import Alone
from server.relays.actor import RELAYS, RelayActor
from server.relays.heads import HEADS, HeadsActor
from server.rooms.actor import MAILBOX as ROOM_MAILBOX
from server.rooms.actor import ROOMS, RoomActor
from server.rooms.disappearing import Clock, run_disappearing
from server.rooms.ending import run_ending
from server.rooms.leased import LeasedRoomActor
from server.sessions.actor import SessionActor
from server.sessions.environment import MAILBOX as SESSION_MAILBOX
from server.sessions.watching import MAILBOX as WATCHING_MAILBOX
from server.sessions.watching import WATCHING, Watching
from server.settings import Settings
from server.store.indexing import run_indexing
from server.store.reader import run_reader
from server.store.writer import run_writer
from server.turns import Door

if TYPE_CHECKING:
    from server.cluster.node import ClusterNode

PATIENCE: Final = Intensity(restarts=10, seconds=60.0)
BACKOFF: Final = Backoff(first=0.05, factor=2.0, longest=5.0)


def tree(ground: Ground) -> SupervisorSpec:
    """The whole server."""
    settings = ground.settings
    cluster, shared = ground.cluster, Shared(ground)
    reader = shared.reader
    limits, place = gateway_limits(settings, ground.workers), ground.place
    door = None if place is None else place.door()
    http = LateApplication()
    gateway = Gateway(
        limits=limits,
        reactor=Reactor(limits.lobby_seconds, keeps=limits.keeps),
        parsers=ParserPool(limits.partial_bytes),
        reader=reader,
        app=http,
        sessions=SESSIONS,
        origins=frozenset(origin.lower().rstrip("/") for origin in settings.origins),
        certificate=ground.certificate,
        proxies=Proxies(settings.trusted_proxies),
        compression=settings.compression,
        pace=shared.connection_pace,
        counts=shared.counts.gateway,
        departure=ground.departure,
        gathering=gathering(ground),
        unsettled=shared.unanswered,
    )
    heartbeats = Heartbeats(gateway.reactor, limits)
    watching = watching_environment(ground, shared)

    async def reads(context: TaskContext) -> None:
        await run_reader(context, ground.store, reader, now, settings.token_days, shared.counts.store)

    async def revocations(context: TaskContext) -> None:
        await run_revocation_sweep(context, reader, context.system.dynamic(SESSIONS), now)

    async def departing(context: TaskContext) -> None:
        unasked = cluster is None or cluster.may_own
        await shared.departing.run(context, rooms_of(context.system, ground), unasked=unasked)

    async def blocks(context: TaskContext) -> None:
        await run_blocks_sweep(context, reader, context.system.dynamic(ROOMS), now)

    async def choices(context: TaskContext) -> None:
        await run_choices_sweep(context, reader, context.system.dynamic(SESSIONS), shared.choices, now)

    async def memberships(context: TaskContext) -> None:
        await run_memberships_sweep(context, reader, context.system.dynamic(SESSIONS), now)

    async def token_usage(context: TaskContext) -> None:
        await run_usage(context, shared.changes, context.system.dynamic(SESSIONS), shared.usage, now)

    async def pacing(context: TaskContext) -> None:
        await run_sweep(context, shared.connection_pace, shared.user_pace)

    async def listen(context: TaskContext) -> None:
        http.open(lambda: make_app(http_environment(context.system, ground, shared)))
        await Listener(gateway, [ground.listener], door).run(context)

    return SupervisorSpec(
        "hubbub",
        [
            # The database, and nothing else. The writer stops last of all: it commits what was told to it.
            supervised("store", *writers(ground, shared), TaskSpec("reader", reads)),
            # One of several processes: the way to the others, which all that is told to them needs.
            *ways_to_others(cluster),
            # Rooms need the store.
            DynamicSpec(ROOMS, room_maker(ground, shared), mailbox=ROOM_MAILBOX),
            # One of several: who stands for the rooms of others, and what else speaks for this node.
            *among_others(cluster, shared, settings),
            # Sessions need rooms and the store. Never restarted: their clients come back and resume.
            DynamicSpec(
                SESSIONS,
                partial(SessionActor, session_environment(ground, shared, heartbeats)),
                mailbox=SESSION_MAILBOX,
                restart=Restart.TEMPORARY,
            ),
            # Who tells sessions how those look for whom they have asked.
            supervised("presence", ActorSpec(WATCHING, Watching, (watching,), mailbox=WATCHING_MAILBOX, name=WATCHING)),
            # Sign-up and sign-in need the store; what ends tokens needs the sessions.
            supervised(
                "accounts",
                TaskSpec("hashing", partial(run_hashing, inbox=shared.hashing)),
                TaskSpec("revocations", revocations),
                TaskSpec("blocks", blocks),
                TaskSpec("choices", choices),
                *(() if cluster is None else (TaskSpec("memberships", memberships),)),
                TaskSpec("usage", token_usage),
                TaskSpec("departing", departing),
            ),
            # What rooms have to be told at a time.
            *upkeep(ground, shared),
            # All sockets. Without it every connection is lost, so there is no going on without it.
            TaskSpec("reactor", gateway.reactor.run),
            # Connections need the reactor for their sockets, and sessions. Never restarted: a socket has one life.
            DynamicSpec(gateway.connections, partial(Connection, gateway), restart=Restart.TEMPORARY),
            # Who looks at all of that. Before the entrance, so that a stop can be watched.
            *operators(ground, shared, gateway, heartbeats),
            # What needs all of it: those who ask whether peers are there, forget who was too fast, and let people in.
            # Last who lets everybody out, while all of that still works; and one of several, before that, gives its
            # rooms to others, so that they are served while its own clients leave.
            supervised(
                "entrance",
                TaskSpec("heartbeats", heartbeats.run),
                TaskSpec("pacing", pacing),
                TaskSpec("listener", listen),
                *arrivals(gateway, place, door),
                TaskSpec("draining", Draining(gateway).run, shutdown=max(settings.drain, limits.stop_seconds) + 0.5),
                *departure(cluster),
            ),
        ],
        intensity=Intensity(0),
    )


def upkeep(ground: Ground, shared: Shared) -> tuple[SupervisorSpec, ...]:
    """Where no rooms can live, nobody looks whether they have to be told anything."""
    cluster, reader = ground.cluster, shared.reader
    if cluster is not None and not cluster.may_own:
        return ()
    is_mine = (Alone("") if cluster is None else cluster.ownership).is_mine

    async def disappearing(context: TaskContext) -> None:
        await run_disappearing(context, reader, rooms_of(context.system, ground), is_mine, Clock(now))

    async def ending(context: TaskContext) -> None:
        await run_ending(context, reader, rooms_of(context.system, ground), is_mine)

    return (supervised("upkeep", TaskSpec("disappearing", disappearing), TaskSpec("ending", ending)),)


def arrivals(gateway: Gateway, place: WorkerPlace | None, door: Door | None) -> tuple[TaskSpec, ...]:
    """Who takes in those whom other workers have handed over, where there are others."""
    if place is None or door is None:
        return ()
    return (TaskSpec("arrivals", Arrivals(gateway, place.corridors, place.index, door).run),)


def operators(ground: Ground, shared: Shared, gateway: Gateway, heartbeats: Heartbeats) -> tuple[SupervisorSpec, ...]:
    """The admin listener, where there is one. If it gives up, the chat goes on without it."""
    admin = ground.admin
    if admin is None:
        return ()

    place = ground.place

    def oneself(context: TaskContext) -> Oneself:
        return Oneself(operator_environment(context.system, ground, shared, gateway, heartbeats))

    async def answer(context: TaskContext) -> None:
        assert place is not None
        await run_answering(context, oneself(context), place)

    async def listen(context: TaskContext) -> None:
        loopback = is_loopback(admin.getsockname()[0])
        app = LateApplication()
        app.open(
            lambda: make_operators_app(oneself(context) if place is None else Colleagues(place), loopback=loopback)
        )
        await Listener(door_for_operators(gateway, app), [admin]).run(context)

    children = (
        ActorSpec("lag", LagProbe, (shared.counts.lag, LongRounds(shared.counts.long_rounds))),
        *(() if place is None else (TaskSpec("colleagues", answer),)),
        TaskSpec("admin", listen),
    )
    return (SupervisorSpec("operators", children, intensity=PATIENCE, backoff=BACKOFF, restart=Restart.TEMPORARY),)


def writers(ground: Ground, shared: Shared) -> tuple[TaskSpec, ...]:
    """With SQLite one process of several writes, and the others ask it."""
    if ground.cluster is not None and not ground.cluster.has_writer:
        return ()
    run = partial(
        run_writer,
        store=ground.store,
        inbox=shared.writer,
        clock=now,
        counts=shared.counts.store,
        fencing=ground.fencing if ground.cluster is None else ground.cluster.ownership,
    )
    is_mine = (Alone("") if ground.cluster is None else ground.cluster.ownership).is_mine
    follow = partial(
        run_indexing, tails=ground.store.tails, writer=shared.writer, reader=shared.reader, is_mine=is_mine
    )
    return (TaskSpec("writer", run), TaskSpec("indexing", follow))


def room_maker(ground: Ground, shared: Shared) -> Callable[[], RoomActor]:
    """One of several processes owns a room for a time only."""
    environment = room_environment(ground, shared)
    if ground.cluster is None:
        return partial(RoomActor, environment)
    return partial(LeasedRoomActor, environment, ground.cluster.ownership)


def ways_to_others(cluster: ClusterNode | None) -> tuple[SupervisorSpec, ...]:
    """The engine, and over it the links, which send what is left when they stop."""
    if cluster is None:
        return ()
    return (supervised("others", TaskSpec("engine", cluster.link.run), TaskSpec("links", cluster.distribution.run)),)


def among_others(cluster: ClusterNode | None, shared: Shared, settings: Settings) -> tuple[ChildSpec, ...]:
    """Relays need the store and the links. The mover sees to it that rooms follow what placement finds in the table of
    shards, so it is there first; and once placement is ready, the owners of rooms are known.
    """
    if cluster is None:
        return ()
    return (
        DynamicSpec(RELAYS, partial(RelayActor, relay_environment(cluster, shared)), mailbox=ROOM_MAILBOX),
        supervised(
            "cluster",
            ActorSpec("heads", HeadsActor, (shared.heads,), name=HEADS),
            ActorSpec("users", Users, (users_environment(cluster, shared),), mailbox=USERS_MAILBOX, name=USERS),
            *ways_to_writer(cluster, shared, settings),
            ActorSpec("mover", Mover, (mover_environment(cluster),), name=MOVER),
            ActorSpec("hints", Hints, (cluster.placement.look,), mailbox=HINTS_MAILBOX, name=HINTS),
            TaskSpec("placement", cluster.placement.run),
        ),
    )


def ways_to_writer(cluster: ClusterNode, shared: Shared, settings: Settings) -> tuple[ActorSpec, ...]:
    """Where one process writes: who asks it, and who is asked."""
    if not isinstance(shared.changes, WayToWriter):
        return ()
    stand_in = (shared.changes.stand_in, partial(cluster.at_owner, WRITER), settings.command_deadline)
    return (
        ActorSpec("remote writer", RemoteWriter, stand_in, mailbox=WRITER_MAILBOX),
        ActorSpec("writer", WriterForOthers, (shared.writer, cluster.is_writer), mailbox=WRITER_MAILBOX, name=WRITER),
    )


def departure(cluster: ClusterNode | None) -> tuple[TaskSpec, ...]:
    return () if cluster is None else (TaskSpec("departure", cluster.placement.run_departure),)


def supervised(id: str, *children: ActorSpec | TaskSpec) -> SupervisorSpec:
    """Children that do not depend on each other's state, restarted one by one, and not for ever."""
    return SupervisorSpec(id, children, intensity=PATIENCE, backoff=BACKOFF)
