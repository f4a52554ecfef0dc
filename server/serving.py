"""From settings to a running server, and from a signal to a stopped one.

The order is that of what can go wrong: the certificate, the data directory (its lock, then its migration), the sockets,
the tree. So an operator's mistake is one line before anything lives.

Stopping: the first SIGTERM or SIGINT takes readiness back and cancels the tree, which stops from the drain down to the
writer. SIGTERM gives clients the time of `drain` to leave; SIGINT, which is somebody's Ctrl-C, does not. The second
signal finds the default handler and ends the process on the spot, and so does a clock that allows the orderly stop
that time and a little: nothing half-written is lost either way, because what is not committed was never acknowledged.

SIGHUP reads the certificate anew, where there is one. Without, it ends the process as it always does: a terminal that
is closed says it, too.

A worker (`serve_worker`) has a parent that has opened most of this for it (`parent/starting.py`). Its SIGHUP comes from
the parent, and reads the log level as well.
"""

from __future__ import annotations

import os
import resource
import signal
import socket
import sys
import threading
from collections.abc import Callable
from contextlib import AbstractContextManager, ExitStack, closing, nullcontext
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

import structlog
import trio

from actors import RootGaveUp, RunawayPolicy, System, open_system, run
from server.allocator import keep_large_blocks_apart
from server.cluster.engine_url import read_engine_url
from server.cluster.names import new_node_name
from server.gateway.certificates import Certificate, CertificateTrouble
from server.gateway.fixed_files import OTHER_DESCRIPTORS, descriptors_for, most_descriptors
from server.gateway.limits import STOP_SECONDS
from server.listening import PortTrouble, open_listener, url_of
from server.logs import set_log_level
from server.operators.hosts import is_loopback
from server.parent.place import Role, WorkerPlace
from server.parts import Ground
from server.placement.alone import owning_all
from server.placement.placement import DEPARTURE_SECONDS, LEAVING_SECONDS
from server.settings import Settings, WrongSetting
from server.store.opening import Store, open_claimed, open_store, prepare_claimed
from server.store.quotas import Quotas
from server.store.sqlite import Pragmas
from server.tree import tree

if TYPE_CHECKING:
    from server.cluster.node import ClusterNode

log: Final = structlog.get_logger(__name__)

_GRACE: Final = 0.9  # seconds beside `drain` for everything that is no connection: five in all by default
_SWITCH_SECONDS: Final = 0.0005
"""After which a thread that waits for the interpreter gets it; Python's default is ten times as much. The threads of
the store need it a few times for each commit, for microseconds: under a flood of tiny frames everybody's post took
80 ms by that, and takes 16. Connects of a server that is not flooded cost the same, posts up to 4 % more."""

_RUNAWAYS: Final = RunawayPolicy(overrun=1.0)
"""Four times what is usual: what concerns all people of a room of a million takes a third of a second where fifty
processes share the caches, and a room that is ended for it has all of that to do again (docs/figures.md)."""


def serve(settings: Settings, ready: Callable[[str, System], None]) -> None:
    """Serve until a signal says stop.

    Parameters
    ----------
    ready
        Called once, when everything is up: with the URL to point a browser at.

    Raises
    ------
    CertificateTrouble, StoreTrouble, PortTrouble, EngineTrouble
        One line for the operator.
    RootGaveUp
        The supervision tree could not start, or had to restart something too often.
    """
    _prepare_process(settings)
    certificate = certificate_of(settings)
    with (
        open_store(settings.data, pragmas_of(settings), quotas_of(settings), database=settings.database) as store,
        closing(open_listener(settings.host, settings.port)) as listener,
        ExitStack() as opened,
    ):
        admin = open_admin_listener(settings)
        if admin is not None:
            opened.enter_context(closing(admin))
        node = opened.enter_context(_node(settings, store))
        fencing = owning_all(store, new_node_name()) if settings.database and node is None else None
        ground = Ground(settings, store, listener, admin=admin, certificate=certificate, cluster=node, fencing=fencing)
        hangup = None if certificate is None else partial(_reload, certificate)
        trio.run(_serve, ground, hangup, partial(_announce, ground, ready))


def serve_worker(place: WorkerPlace) -> None:
    """Serve in the place that the parent of this process has given, until a signal says stop.

    Raises as `serve` does.
    """
    settings = place.settings
    _prepare_process(settings)
    certificate = certificate_of(settings)
    from server.cluster.joining import joined

    owner = place.role is Role.OWNER
    writes = owner or bool(settings.database)
    with (
        open_claimed(
            settings.data, pragmas_of(settings), quotas_of(settings), database=settings.database, writes=writes
        ) as store,
        joined(settings, store, name=place.node, engine=place.engine, owner=owner) as node,
    ):
        ground = Ground(
            settings, store, place.listener, admin=place.admin, certificate=certificate, cluster=node, place=place
        )
        trio.run(_serve, ground, partial(_reread, place, certificate), lambda _: place.ready())


def _node(settings: Settings, store: Store) -> AbstractContextManager[ClusterNode | None]:
    """A process without a parent is a node of a cluster if it is given an engine."""
    if not settings.engine:
        return nullcontext()
    from server.cluster.joining import joined

    _require_engine(settings)
    return joined(settings, store, name=new_node_name(), engine=settings.engine, owner=True)


def prepare(settings: Settings) -> None:
    """What a parent has done, in a process of its own, before it starts workers. Raises as `serve` does."""
    certificate_of(settings)
    if settings.engine:
        _require_engine(settings)
    prepare_claimed(settings.data, pragmas_of(settings), database=settings.database)


def _require_engine(settings: Settings) -> None:
    from server.cluster.engine import check_engine

    trio.run(check_engine, read_engine_url(settings.engine))


def certificate_of(settings: Settings) -> Certificate | None:
    """What TLS is spoken with, if at all. Raises `CertificateTrouble`."""
    if not settings.tls_cert:
        if settings.tls_key:
            raise CertificateTrouble("`tls_key` is set, and `tls_cert` is not")
        return None
    file = Path(settings.tls_cert).expanduser()
    return Certificate(file, Path(settings.tls_key).expanduser() if settings.tls_key else file)


def pragmas_of(settings: Settings) -> Pragmas:
    return Pragmas(busy_seconds=settings.busy_timeout)


def quotas_of(settings: Settings) -> Quotas:
    return Quotas(rooms=settings.max_rooms_per_user, members=settings.max_members_per_room)


def tree_text(settings: Settings) -> str:
    """The supervision tree of a server that really runs: on an empty store, and a port nobody knows."""
    with (
        TemporaryDirectory(prefix="hubbub-") as folder,
        open_store(Path(folder)) as store,
        closing(open_listener("127.0.0.1", 0)) as listener,
        closing(open_listener("127.0.0.1", 0)) as admin,
    ):
        return trio.run(_look, Ground(settings, store, listener, admin=admin if settings.admin else None))


async def _look(ground: Ground) -> str:
    async with open_system(tree(ground)) as system:
        return system.tree_text()


def open_admin_listener(settings: Settings) -> socket.socket | None:
    """Where operators are answered. A port that is taken (by another server here) keeps nobody from chatting: the log
    says so, and who scrapes it misses it.
    """
    if not settings.admin:
        return None
    try:
        listener = open_listener(settings.admin_host, settings.admin_port)
    except PortTrouble as trouble:
        log.warning("no admin listener: set admin_port, or admin to false", trouble=str(trouble))
        return None
    if not is_loopback(listener.getsockname()[0]):
        log.warning("the admin listener has no password, and others can reach it", url=url_of(listener))
    return listener


def _prepare_process(settings: Settings) -> None:
    keep_large_blocks_apart()
    sys.setswitchinterval(_SWITCH_SECONDS)
    _allow_descriptors(settings)


def _allow_descriptors(settings: Settings) -> None:
    """As many open files as the system allows us; say so if that is too few for the connections wanted."""
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    connections, allowed = settings.max_connections, most_descriptors()
    if allowed >= connections + OTHER_DESCRIPTORS:
        return
    if descriptors_for(connections, tls=bool(settings.tls_cert)) < connections:
        log.info("sockets of clients are kept without descriptors", limit=allowed, max_connections=connections)
    else:
        log.warning("the limit of open files is below max_connections", limit=allowed, max_connections=connections)


def longest_stop(settings: Settings, *, of_several: bool = True) -> float:
    """Seconds from the signal until a process has ended, in order or not; one of several hands its rooms over first."""
    leave = DEPARTURE_SECONDS + LEAVING_SECONDS if of_several else 0.0
    return max(settings.drain, STOP_SECONDS) + leave + _GRACE


def _announce(ground: Ground, ready: Callable[[str, System], None], system: System) -> None:
    admin = None if ground.admin is None else url_of(ground.admin)
    url = url_of(ground.listener, tls=ground.certificate is not None)
    log.info("serving", url=url, admin=admin, data=str(ground.settings.data), pid=os.getpid())
    ready(url, system)


async def _serve(ground: Ground, hangup: Callable[[], None] | None, ready: Callable[[System], None]) -> None:
    def is_ready(system: System) -> None:
        ground.readiness.ready = True
        ready(system)

    deadline = threading.Timer(longest_stop(ground.settings, of_several=ground.cluster is not None), _end_at_once)
    deadline.daemon = True
    failure: RootGaveUp | None = None
    async with trio.open_nursery() as nursery:
        nursery.start_soon(_stop_at_signal, ground, deadline, nursery.cancel_scope)
        if hangup is not None:
            nursery.start_soon(_at_hangup, hangup)
        try:
            distribution = None if ground.cluster is None else ground.cluster.distribution
            await run(tree(ground), on_ready=is_ready, runaways=_RUNAWAYS, distribution=distribution)
        except RootGaveUp as gave_up:
            failure = gave_up
        finally:
            deadline.cancel()
        nursery.cancel_scope.cancel()
    if failure is not None:
        raise failure
    log.info("stopped")


async def _stop_at_signal(ground: Ground, deadline: threading.Timer, tree_scope: trio.CancelScope) -> None:
    with trio.open_signal_receiver(signal.SIGTERM, signal.SIGINT) as signals:
        number = await anext(signals)
    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, signal.SIG_DFL)
    log.info("stopping", signal=signal.Signals(number).name)
    ground.readiness.ready = False
    ground.departure.seconds = ground.settings.drain if number == signal.SIGTERM else 0.0
    deadline.start()
    tree_scope.cancel()


async def _at_hangup(do: Callable[[], None]) -> None:
    with trio.open_signal_receiver(signal.SIGHUP) as signals:
        async for _ in signals:
            do()


def _reload(certificate: Certificate) -> None:
    try:
        certificate.reload()
    except CertificateTrouble as trouble:
        log.error("the certificate stays as it was", trouble=str(trouble))
    else:
        log.info("the certificate was read anew", file=str(certificate.file))


def _reread(place: WorkerPlace, certificate: Certificate | None) -> None:
    try:
        set_log_level(place.reread().log_level)
    except WrongSetting as wrong:
        log.error("the settings stay as they were", trouble=str(wrong))
    else:
        log.info("the settings were read anew")
    if certificate is not None:
        _reload(certificate)


def _end_at_once() -> None:
    log.error("the orderly stop took too long")
    os._exit(1)
