"""The supervision tree: everything that lives in the server, in the order in which it starts.

Read the list from top to bottom: a child may rely on those above it, and stops before them. This is the only file
that knows all parts; each part gets what it needs as one value, made here.

Two kinds of children. What belongs to everybody escalates: a task of the store, the accounts or the entrance is
restarted a few times, then its supervisor gives up, and with it the root, whose patience is nil: the process ends
with an error. The reactor is a child of the root itself, because every socket goes with it. What belongs to somebody
(a room, a session, a connection) has a breaker of its own, or is never restarted, and counts for nobody else.
"""

from __future__ import annotations

import secrets
import socket
import time
from collections.abc import Hashable
from dataclasses import dataclass, field
from functools import partial
from typing import Final

import trio
from starlette.types import ASGIApp, Receive, Scope, Send

from actors import (
    ActorSpec,
    Backoff,
    DynamicSpec,
    Inbox,
    Intensity,
    Restart,
    SupervisorSpec,
    System,
    TaskContext,
    TaskSpec,
)
from server.accounts.passwords import run_hashing
from server.accounts.revocations import run_revocation_sweep
from server.accounts.service import Accounts
from server.accounts.throttle import LoginThrottle
from server.accounts.usage import TokenUsage, run_usage
from server.gateway.certificates import Certificate
from server.gateway.connection import Connection
from server.gateway.departure import Departure
from server.gateway.draining import Draining
from server.gateway.gateway import Gateway
from server.gateway.heartbeats import Heartbeats
from server.gateway.limits import GatewayLimits
from server.gateway.listener import Listener
from server.gateway.parsing import ParserPool
from server.gateway.peer import Proxies
from server.gateway.reactor import Reactor
from server.http_api.app import make_app
from server.http_api.environment import HttpEnvironment, Readiness
from server.metrics.counts import Counts
from server.operators.app import make_operators_app
from server.operators.door import door_for_operators
from server.operators.environment import OperatorEnvironment
from server.operators.hosts import is_loopback
from server.operators.lag import LagProbe
from server.pacing import Pace, run_sweep
from server.protocol.events import Limits
from server.protocol.limits import TEXT_CODE_POINTS
from server.rooms.actor import MAILBOX as ROOM_MAILBOX
from server.rooms.actor import ROOMS, RoomActor, RoomEnvironment
from server.rooms.sizes import Sizes
from server.sessions.actor import SessionActor
from server.sessions.environment import MAILBOX as SESSION_MAILBOX
from server.sessions.environment import SessionEnvironment
from server.settings import Settings
from server.store.opening import Store
from server.store.reader import run_reader
from server.store.writer import run_writer

SESSIONS: Final = "sessions"
"""The id of the dynamic supervisor all sessions live under; its keys are the tokens' public ids."""

PATIENCE: Final = Intensity(restarts=10, seconds=60.0)
BACKOFF: Final = Backoff(first=0.05, factor=2.0, longest=5.0)


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


class Shared:
    """What several children use, and what outlives their restarts: what was told meanwhile is there afterwards."""

    __slots__ = ("connection_pace", "counts", "hashing", "reader", "throttle", "usage", "user_pace", "writer")

    def __init__(self, settings: Settings) -> None:
        self.writer = Inbox(settings.writer_queue)
        self.reader = Inbox(settings.reader_queue)
        self.hashing = Inbox(settings.hashing_queue)
        self.counts = Counts()
        self.throttle = LoginThrottle(settings.login_attempts)
        self.usage = TokenUsage()
        self.connection_pace: Pace[Hashable] = Pace(
            commands=settings.commands_per_second, size=settings.bytes_per_second, burst=settings.burst
        )
        self.user_pace: Pace[str] = Pace(
            commands=settings.commands_per_second_per_user,
            size=settings.bytes_per_second_per_user,
            burst=settings.burst,
        )


def now() -> int:
    """Milliseconds since the epoch: the one clock of everything that is kept."""
    return time.time_ns() // 1_000_000


def tree(ground: Ground) -> SupervisorSpec:
    """The whole server."""
    settings, store = ground.settings, ground.store
    shared = Shared(settings)
    writer, reader = shared.writer, shared.reader
    limits = gateway_limits(settings)
    http = HttpApplication()
    gateway = Gateway(
        limits=limits,
        reactor=Reactor(),
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
    )

    async def revocations(context: TaskContext) -> None:
        await run_revocation_sweep(context, reader, context.system.dynamic(SESSIONS), now)

    async def token_usage(context: TaskContext) -> None:
        await run_usage(context, writer, context.system.dynamic(SESSIONS), shared.usage, now)

    async def pacing(context: TaskContext) -> None:
        await run_sweep(context, shared.connection_pace, shared.user_pace)

    async def listen(context: TaskContext) -> None:
        http.open(http_environment(context.system, ground, shared))
        await Listener(gateway, [ground.listener]).run(context)

    return SupervisorSpec(
        "hubbub",
        [
            # The database, and nothing else. The writer stops last of all: it commits what was told to it.
            supervised(
                "store",
                TaskSpec(
                    "writer",
                    partial(run_writer, store=store, inbox=writer, clock=now, counts=shared.counts.store),
                ),
                TaskSpec(
                    "reader",
                    partial(
                        run_reader,
                        store=store,
                        inbox=reader,
                        clock=now,
                        token_days=settings.token_days,
                        counts=shared.counts.store,
                    ),
                ),
            ),
            # Rooms need the store.
            DynamicSpec(
                ROOMS,
                partial(RoomActor, room_environment(settings, shared)),
                mailbox=ROOM_MAILBOX,
            ),
            # Sessions need rooms and the store. Never restarted: their clients come back and resume.
            DynamicSpec(
                SESSIONS,
                partial(SessionActor, session_environment(settings, shared)),
                mailbox=SESSION_MAILBOX,
                restart=Restart.TEMPORARY,
            ),
            # Sign-up and sign-in need the store; what ends tokens needs the sessions.
            supervised(
                "accounts",
                TaskSpec("hashing", partial(run_hashing, inbox=shared.hashing)),
                TaskSpec("revocations", revocations),
                TaskSpec("usage", token_usage),
            ),
            # All sockets. Without it every connection is lost, so there is no going on without it.
            TaskSpec("reactor", gateway.reactor.run),
            # Connections need the reactor for their sockets, and sessions. Never restarted: a socket has one life.
            DynamicSpec(gateway.connections, partial(Connection, gateway), restart=Restart.TEMPORARY),
            # Who looks at all of that. Before the entrance, so that a stop can be watched.
            *operators(ground, shared, gateway),
            # What needs all of it: those who ask whether peers are there, forget who was too fast, and let people in.
            # Last who lets everybody out, while all of that still works.
            supervised(
                "entrance",
                TaskSpec("heartbeats", Heartbeats(gateway.reactor, limits).run),
                TaskSpec("pacing", pacing),
                TaskSpec("listener", listen),
                TaskSpec("draining", Draining(gateway).run, shutdown=max(settings.drain, limits.stop_seconds) + 0.5),
            ),
        ],
        intensity=Intensity(0),
    )


def operators(ground: Ground, shared: Shared, gateway: Gateway) -> tuple[SupervisorSpec, ...]:
    """The admin listener, where there is one. If it gives up, the chat goes on without it."""
    admin = ground.admin
    if admin is None:
        return ()

    async def listen(context: TaskContext) -> None:
        app = make_operators_app(
            operator_environment(context.system, ground, shared, gateway),
            loopback=is_loopback(admin.getsockname()[0]),
        )
        await Listener(door_for_operators(gateway, app), [admin]).run(context)

    children = (ActorSpec("lag", LagProbe, (shared.counts.lag,)), TaskSpec("admin", listen))
    return (SupervisorSpec("operators", children, intensity=PATIENCE, backoff=BACKOFF, restart=Restart.TEMPORARY),)


def supervised(id: str, *tasks: TaskSpec) -> SupervisorSpec:
    """Tasks that do not depend on each other's state, restarted one by one, and not for ever."""
    return SupervisorSpec(id, tasks, intensity=PATIENCE, backoff=BACKOFF)


class HttpApplication:
    """The HTTP API, as the gateway gets it: it needs the running system, which the gateway is a part of."""

    __slots__ = ("_app",)

    def __init__(self) -> None:
        self._app: ASGIApp | None = None

    def open(self, environment: HttpEnvironment) -> None:
        """Before the first request."""
        self._app = make_app(environment)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        assert self._app is not None
        await self._app(scope, receive, send)


def room_environment(settings: Settings, shared: Shared) -> RoomEnvironment:
    return RoomEnvironment(
        writer=shared.writer,
        reader=shared.reader,
        sizes=Sizes(most=settings.max_members_per_room),
        counts=shared.counts.rooms,
    )


def session_environment(settings: Settings, shared: Shared) -> SessionEnvironment:
    return SessionEnvironment(
        writer=shared.writer,
        reader=shared.reader,
        limits=Limits(frame=settings.frame_bytes, text=TEXT_CODE_POINTS, unanswered=settings.unanswered),
        node=f"n_{secrets.token_hex(4)}",  # new at each start, and nothing a client could learn from
        heartbeat=settings.heartbeat_ms,
        command_seconds=settings.command_deadline,
        clock=now,
        pace=shared.user_pace,
        most_connections=settings.max_connections_per_user,
    )


def http_environment(system: System, ground: Ground, shared: Shared) -> HttpEnvironment:
    settings = ground.settings
    accounts = Accounts(
        writer=shared.writer,
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
        reader=shared.reader,
        rooms=system.dynamic(ROOMS),
        readiness=ground.readiness,
        body_bytes=settings.body_bytes,
        seconds=settings.command_deadline,
        pace=shared.user_pace,
        hsts_days=settings.hsts_days,
    )


def operator_environment(system: System, ground: Ground, shared: Shared, gateway: Gateway) -> OperatorEnvironment:
    return OperatorEnvironment(
        system=system,
        counts=shared.counts,
        reactor=gateway.reactor,
        log_file=ground.store.log_file,
        inboxes={"writer": shared.writer, "reader": shared.reader, "hashing": shared.hashing},
        dynamics=(ROOMS, SESSIONS, gateway.connections),
        readiness=ground.readiness,
    )


def gateway_limits(settings: Settings) -> GatewayLimits:
    """The operator's settings; what nobody had a reason to set keeps the gateway's own default."""
    return GatewayLimits(
        max_connections=settings.max_connections,
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
        unanswered=settings.unanswered,
        outbound_bytes=settings.outbound_bytes,
        partial_bytes=settings.partial_bytes,
        send_buffer_bytes=settings.send_buffer_bytes,
        stall_seconds=settings.stall_deadline,
    )
