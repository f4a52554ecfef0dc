"""From settings to a running parent: in the order of what can go wrong, so that a mistake is one line before anything
lives. And from one program to the next, where all of that is there already.

The number of workers, the port and the engine are those of the start, until everything is stopped: a program that
takes over finds them, and says so where the settings have changed.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing
from typing import Final

import structlog

from server.listening import open_listeners
from server.parent import engine, image
from server.parent.application import Application, GaveUp
from server.parent.crew import Crew, Failure, Times
from server.parent.handing_over import HandedOver, Purpose
from server.parent.parent import Holdings, Parent
from server.parent.place import role_of
from server.parent.processes import fork, wait_for
from server.parent.run_directory import RunDirectory
from server.settings import Settings
from server.store.directory import DataDirectory, DirectoryLock

log: Final = structlog.get_logger(__name__)

_GRACE: Final = 2.0  # seconds a worker gets beyond those in which it ends by itself
_AT_ONCE_PER_CORE: Final = 2


def cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0))


def run_parent(settings: Settings, workers: int, application: Application, handed: HandedOver | None) -> int:
    """Serve with `workers` workers until a signal says stop.

    Parameters
    ----------
    handed
        From the program whose place this one is to take, if there is one.

    Returns
    -------
        The exit code.

    Raises
    ------
    StoreError, PortTrouble, EngineTrouble, GaveUp
        One line for the operator.
    """
    if handed is not None and handed.purpose is Purpose.PREPARE:
        image.load(application.modules)
        return application.prepare(settings)
    with ExitStack() as opened:
        if handed is None:
            parent = _first(settings, workers, application, opened)
        else:
            parent = _next(settings, workers, application, handed, opened)
        image.load(application.modules)
        parent.run()
    return 0


def _first(settings: Settings, workers: int, application: Application, opened: ExitStack) -> Parent:
    directory = DataDirectory(settings.data)
    directory.make()
    lock = opened.enter_context(directory.lock())
    code = wait_for(fork(lambda: application.prepare(settings)))
    if code != 0:
        raise GaveUp(Failure("", max(code, 1)))
    listeners = open_listeners(settings.host, settings.port, workers)
    for listener in listeners:
        opened.enter_context(closing(listener))
    admin = application.open_admin(settings)
    if admin is not None:
        opened.enter_context(closing(admin))
    run = opened.enter_context(closing(RunDirectory(settings.data)))
    run.clear()
    return _parent(settings, application, lock, listeners, admin, run, engine_pid=None, before=None)


def _next(settings: Settings, workers: int, application: Application, handed: HandedOver, opened: ExitStack) -> Parent:
    lock = opened.enter_context(DirectoryLock(handed.lock))
    listeners = [opened.enter_context(closing(socket.socket(fileno=each))) for each in handed.listeners]
    admin = None if handed.admin is None else opened.enter_context(closing(socket.socket(fileno=handed.admin)))
    for descriptor in handed.descriptors:
        os.set_inheritable(descriptor, False)
    if len(listeners) != workers:
        log.warning("the number of workers changes when the server is stopped and started", workers=len(listeners))
    run = opened.enter_context(closing(RunDirectory(settings.data)))
    before = [(worker.index, worker.pid) for worker in handed.workers]
    return _parent(settings, application, lock, listeners, admin, run, engine_pid=handed.engine, before=before)


def _parent(
    settings: Settings,
    application: Application,
    lock: DirectoryLock,
    listeners: list[socket.socket],
    admin: socket.socket | None,
    run: RunDirectory,
    *,
    engine_pid: int | None,
    before: list[tuple[int, int]] | None,
) -> Parent:
    program = None if settings.engine else engine.program()
    if program is not None and engine_pid is None:
        engine_pid = engine.start(program, run)
        engine.await_answer(engine_pid, run)
    roles = tuple(role_of(index, owners=application.owners) for index in range(len(listeners)))
    return Parent(
        settings,
        application,
        Holdings(
            lock=lock.descriptor,
            listeners=listeners,
            admin=admin,
            run=run,
            roles=roles,
            engine_url=settings.engine or engine.url_of(run),
            engine_program=program,
        ),
        Crew(roles, Times(leave=application.leave_seconds + _GRACE), _AT_ONCE_PER_CORE * cores(), application.mistakes),
        engine_pid=engine_pid,
        before=before,
    )
