"""What the children of the tree are made with: the values they share, and what each kind is told of its surroundings.

The rule: everything here is made before anything lives, and nothing of it lives. What depends on settings, and what on
whether this process is one of several, is decided here, so that `server/tree.py` can be read as a list.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Final

import trio

from actors import Inbox, System
from server.accounts.blocking import tell_blocked
from server.accounts.departing import Departing
from server.accounts.export import Exports
from server.accounts.own import OwnAccounts
from server.accounts.service import Accounts
from server.accounts.throttle import LoginThrottle
from server.accounts.usage import TokenUsage
from server.cluster.door import Door
from server.cluster.names import new_node_name
from server.cluster.remote_writer import WayToWriter
from server.cluster.users import USERS, UsersEnvironment
from server.gateway.certificates import Certificate
from server.gateway.departure import Departure
from server.gateway.fixed_files import descriptors_for
from server.gateway.gateway import Gateway
from server.gateway.gathering import Gathering
from server.gateway.heartbeats import Heartbeats
from server.gateway.keepalive import most_asked, packet_backlog
from server.gateway.limits import GatewayLimits
from server.http_api.environment import HttpEnvironment, Readiness
from server.metrics.counts import Counts
from server.operators.environment import OperatorEnvironment
from server.pacing import Pace
from server.parent.place import WorkerPlace
from server.placement.mover import MoverEnvironment
from server.placement.ownership import Alone
from server.protocol.limits import TEXT_CODE_POINTS
from server.protocol.objects import User
from server.protocol.replies import Limits
from server.relays.actor import RELAYS, RelayEnvironment
from server.relays.window import Windows
from server.rooms.actor import ROOMS, RoomEnvironment
from server.rooms.announcing import Announcing
from server.rooms.easing import PORTION, UNHURRIED, Easing
from server.rooms.finding import Rooms, rooms_here
from server.rooms.heads import HeadsTable
from server.rooms.messages import Named
from server.rooms.sizes import Sizes
from server.sessions.attention import Rules
from server.sessions.choices import Choices
from server.sessions.environment import SessionEnvironment
from server.sessions.watched import Watched
from server.sessions.watching import WATCHING, WatchingEnvironment
from server.settings import Settings
from server.store.fencing import Fencing
from server.store.opening import Store
from server.tcp_memory import tcp_limits, tcp_pages

if TYPE_CHECKING:  # it loads the client of the engine, which a single process does not need
    from server.cluster.node import ClusterNode

SESSIONS: Final = "sessions"
"""The id of the dynamic supervisor all sessions live under; its keys are the tokens' public ids."""


GATHERING_WORKERS: Final = 20
"""Among more of them each takes in a few at a time, with cold caches: with 17 workers on two processors 300,000 people
were connected after 179 s, and after 156 where they stayed; with 56 it took 250,000 people 149 s, and 110."""


@dataclass(frozen=True, slots=True)
class Ground:
    """What the tree stands on: opened before anything lives, closed after everything has stopped."""

    settings: Settings
    store: Store
    listener: socket.socket
    readiness: Readiness = field(default_factory=Readiness)
    departure: Departure = field(default_factory=Departure)
    admin: socket.socket | None = None
    """Where operators are answered, if anywhere."""
    certificate: Certificate | None = None
    """What TLS is spoken with, if it is."""
    cluster: ClusterNode | None = None
    """What makes this process one of several, if it is."""
    fencing: Fencing | None = None
    """What keeps a single process apart from another one that has the same database by mistake, if one could."""
    place: WorkerPlace | None = None
    """Which of its parent's workers it is, if it has one."""

    def __post_init__(self) -> None:
        if self.cluster is not None:
            self.readiness.trouble = self.cluster.trouble

    @property
    def workers(self) -> int:
        """Processes that share this machine's processors, as far as it is known here: those of its parent."""
        return 1 if self.place is None else self.place.workers


class Shared:
    """What several children use, and what outlives their restarts: what was told meanwhile is there afterwards.

    Attributes
    ----------
    changes
        Where changes go that do not come from rooms: to the writer, if need be that of another node.
    easing
        Says to all who tell many when they may go on.
    elsewhere
        Where news for sessions on other nodes go, if there are others.
    processors
        What this process can count on.
    unanswered
        The relays that have asked, or want to ask, the owners of their rooms.
    watched
        Who has asked how others look.
    """

    __slots__ = (
        "changes", "choices", "connection_pace", "counts", "departing", "easing", "elsewhere", "hashing", "heads",
        "processors", "reader", "throttle", "unanswered", "usage", "user_pace", "watched", "writer",
    )  # fmt: skip

    def __init__(self, ground: Ground) -> None:
        settings, cluster = ground.settings, ground.cluster
        self.writer = Inbox(settings.writer_queue)
        self.reader = Inbox(settings.reader_queue)
        self.hashing = Inbox(settings.hashing_queue)
        self.changes: Inbox | WayToWriter = self.writer
        if cluster is not None and cluster.writes_alone:
            self.changes = WayToWriter(self.writer, cluster.is_writer)
        self.elsewhere = None if cluster is None else Door()
        self.heads = HeadsTable()
        self.processors = part_of_processors(settings, ground.workers)
        self.unanswered = Windows()
        self.counts = Counts()
        self.easing = _easing(ground.workers, self.processors)
        self.departing = Departing(self.changes, self.reader, settings.command_deadline)
        self.throttle = LoginThrottle(settings.login_attempts)
        self.usage = TokenUsage()
        self.choices = Choices()
        self.watched = Watched()
        self.connection_pace: Pace[Hashable] = Pace(
            commands=settings.commands_per_second, size=settings.bytes_per_second, burst=settings.burst
        )
        self.user_pace: Pace[str] = Pace(
            commands=settings.commands_per_second_per_user,
            size=settings.bytes_per_second_per_user,
            burst=settings.burst,
        )


def _easing(processes: int, processors: float) -> Easing:
    """For one of so many processes of this machine, which can count on so much of its processors."""
    limit = tcp_limits().comfortable
    return Easing(used=tcp_pages, limit=limit, share=max(PORTION, limit // processes), unhurried=UNHURRIED * processors)


def now() -> int:
    """Milliseconds since the epoch: the one clock of everything that is kept."""
    return time.time_ns() // 1_000_000


def room_environment(ground: Ground, shared: Shared) -> RoomEnvironment:
    cluster = ground.cluster
    return RoomEnvironment(
        writer=shared.writer,
        reader=shared.reader,
        sizes=Sizes(most=ground.settings.max_members_per_room),
        counts=shared.counts.rooms,
        easing=shared.easing,
        ownership=Alone("") if cluster is None else cluster.ownership,
        heads=shared.heads,
        announcing=Announcing(ground.settings.presence_grace),
        elsewhere=shared.elsewhere,
    )


def relay_environment(cluster: ClusterNode, shared: Shared) -> RelayEnvironment:
    return RelayEnvironment(
        node=cluster.name,
        reader=shared.reader,
        ownership=cluster.ownership,
        counts=shared.counts.rooms,
        easing=shared.easing,
        unanswered=shared.unanswered,
        processors=shared.processors,
    )


def mover_environment(cluster: ClusterNode) -> MoverEnvironment:
    return MoverEnvironment(rooms=ROOMS, relays=RELAYS, handed_over=cluster.placement.handed_over)


def users_environment(cluster: ClusterNode, shared: Shared) -> UsersEnvironment:
    assert shared.elsewhere is not None, "there are other nodes"
    return UsersEnvironment(
        door=shared.elsewhere,
        others=partial(cluster.elsewhere, USERS),
    )


def session_environment(ground: Ground, shared: Shared, heartbeats: Heartbeats) -> SessionEnvironment:
    settings, cluster = ground.settings, ground.cluster
    return SessionEnvironment(
        writer=shared.changes,
        reader=shared.reader,
        limits=Limits(frame=settings.frame_bytes, text=TEXT_CODE_POINTS, unanswered=settings.unanswered),
        node=new_node_name() if cluster is None else cluster.name,
        heartbeat=lambda: heartbeats.milliseconds,
        command_seconds=settings.command_deadline,
        clock=now,
        used=shared.usage.says,
        pace=shared.user_pace,
        most_connections=settings.max_connections_per_user,
        rooms=rooms_here if cluster is None else cluster.rooms,
        choices=shared.choices,
        elsewhere=shared.elsewhere,
        attention=Rules(above=settings.passive_above, every=settings.activity),
    )


def watching_environment(ground: Ground, shared: Shared) -> WatchingEnvironment:
    cluster = ground.cluster
    return WatchingEnvironment(
        watched=shared.watched,
        choices=shared.choices,
        reader=shared.reader,
        others=tuple if cluster is None else partial(cluster.elsewhere, WATCHING),
        node="" if cluster is None else cluster.name,
        grace=ground.settings.presence_grace,
    )


def http_environment(system: System, ground: Ground, shared: Shared) -> HttpEnvironment:
    settings = ground.settings
    accounts = Accounts(
        writer=shared.changes,
        reader=shared.reader,
        hashing=shared.hashing,
        sessions=system.dynamic(SESSIONS),
        throttle=shared.throttle,
        usage=shared.usage,
        registration_open=settings.registration_open,
        seconds=settings.command_deadline,
        now=trio.current_time,
    )
    return HttpEnvironment(
        accounts=accounts,
        own_accounts=OwnAccounts(
            accounts,
            named=partial(_tell_named, system, shared),
            deleted=shared.departing.ring,
            blocked=partial(tell_blocked, system.dynamic(ROOMS)),
        ),
        exports=Exports(shared.reader, settings.command_deadline),
        reader=shared.reader,
        rooms=rooms_of(system, ground),
        readiness=ground.readiness,
        body_bytes=settings.body_bytes,
        seconds=settings.command_deadline,
        pace=shared.user_pace,
        hsts_days=settings.hsts_days,
    )


def rooms_of(system: System, ground: Ground) -> Rooms:
    """Where this process finds any room."""
    return (rooms_here if ground.cluster is None else ground.cluster.rooms)(system)


def _tell_named(system: System, shared: Shared, user: User) -> None:
    """All sessions of somebody, here and elsewhere, who has another display name."""
    named = Named(user)
    system.broadcast(user.user, named)
    if shared.elsewhere is not None:
        shared.elsewhere.tell(named)


def operator_environment(
    system: System, ground: Ground, shared: Shared, gateway: Gateway, heartbeats: Heartbeats
) -> OperatorEnvironment:
    return OperatorEnvironment(
        system=system,
        counts=shared.counts,
        reactor=gateway.reactor,
        heartbeat=lambda: heartbeats.interval,
        log_file_bytes=lambda: ground.store.log_file.size(),
        inboxes={"writer": shared.writer, "reader": shared.reader, "hashing": shared.hashing},
        dynamics=(ROOMS, *(() if ground.cluster is None else (RELAYS,)), SESSIONS, gateway.connections),
        readiness=ground.readiness,
        cluster=ground.cluster,
    )


def part_of_processors(settings: Settings, workers: int) -> float:
    """What one of so many processes can count on: 1 at the most, because it can use no more."""
    processors = len(os.sched_getaffinity(0)) if settings.processors == "auto" else settings.processors
    return min(1.0, processors / workers)


def gathering(ground: Ground) -> Gathering | None:
    """Where those go who share a room with people of another worker, if there are others and it is wanted."""
    place = ground.place
    if place is None or not 1 < place.workers <= GATHERING_WORKERS or not ground.settings.gather:
        return None
    return Gathering(place.index, place.turns, place.corridors)


def gateway_limits(settings: Settings, workers: int) -> GatewayLimits:
    """The operator's settings; what nobody had a reason to set keeps the gateway's own default.

    Parameters
    ----------
    workers
        Processes that share this machine's processors, or as many as the operator gives them.
    """
    return GatewayLimits(
        max_connections=settings.max_connections,
        max_descriptors=descriptors_for(settings.max_connections, tls=bool(settings.tls_cert)),
        max_connections_per_address=settings.max_connections_per_address,
        connects_per_second=settings.connects_per_second,
        connects_per_second_per_address=settings.connects_per_second_per_address,
        max_handshakes=settings.max_handshakes,
        header_bytes=settings.header_bytes,
        body_bytes=settings.body_bytes,
        handshake_seconds=settings.handshake_deadline,
        idle_seconds=settings.idle_deadline,
        response_seconds=settings.stall_deadline,
        frame_bytes=settings.frame_bytes,
        hello_seconds=settings.hello_deadline,
        heartbeat_seconds=settings.heartbeat_ms / 1000,
        heartbeat_longest_seconds=settings.heartbeat_longest_ms / 1000,
        processors=part_of_processors(settings, workers),
        keepalive_seconds=settings.keepalive,
        keepalive_connections=most_asked(packet_backlog(), workers),
        unanswered=settings.unanswered,
        outbound_bytes=settings.outbound_bytes,
        partial_bytes=settings.partial_bytes,
        send_buffer_bytes=settings.send_buffer_bytes,
        stall_seconds=settings.stall_deadline,
    )
