"""From settings to a running parent: in the order of what can go wrong, so that a mistake is one line before anything
lives. And from one program to the next, where all of that is there already.

The number of workers, the port and the engine are those of the start, until everything is stopped: a program that
takes over finds them, and says so where the settings have changed.
"""

from __future__ import annotations

import os
import socket
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Final

import structlog

from server.corridors import corridors_for
from server.listening import open_listeners
from server.parent import engine, image
from server.parent.application import Application, GaveUp
from server.parent.crew import Crew, Failure, Times
from server.parent.handing_over import HandedOver, Purpose
from server.parent.merging import ask_for_merging
from server.parent.parent import Holdings, Parent
from server.parent.place import role_of
from server.parent.processes import cores, fork, wait_for
from server.parent.run_directory import RunDirectory
from server.settings import Settings
from server.store.directory import DataDirectory, DirectoryLock
from server.turns import Turns, memory_for

log: Final = structlog.get_logger(__name__)

_GRACE: Final = 2.0  # seconds a worker gets beyond those in which it ends by itself
_AT_ONCE_PER_CORE: Final = 2


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
        image.load(application.modules, application.make)
        _engine_program(settings)
        return application.prepare(settings)
    with ExitStack() as opened:
        if handed is None:
            holdings = _opened(settings, workers, application, opened)
            engine_pid = _started_engine(holdings)
        else:
            holdings = _taken_over(settings, workers, application, handed, opened)
            engine_pid = handed.engine
        times = Times(leave=application.leave_seconds + _GRACE)
        crew = Crew(holdings.roles, times, _AT_ONCE_PER_CORE * cores(), application.mistakes)
        image.load(application.modules, application.make)
        if settings.merge_memory:
            _merge_memory()
        Parent(settings, application, holdings, crew, engine_pid, handed).run()
    return 0


def _merge_memory() -> None:
    trouble = ask_for_merging()
    if trouble is not None:
        log.warning("workers' memory is not merged", trouble=trouble)


def _opened(settings: Settings, workers: int, application: Application, opened: ExitStack) -> Holdings:
    """Everything, for the first program."""
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
    return _holdings(settings, application, lock, (listeners, admin), run, None, opened)


def _taken_over(
    settings: Settings, workers: int, application: Application, handed: HandedOver, opened: ExitStack
) -> Holdings:
    """The same, for the next."""
    lock = opened.enter_context(DirectoryLock(handed.lock))
    listeners = [opened.enter_context(closing(socket.socket(fileno=each))) for each in handed.listeners]
    admin = None if handed.admin is None else opened.enter_context(closing(socket.socket(fileno=handed.admin)))
    for descriptor in handed.descriptors:
        os.set_inheritable(descriptor, False)
    if len(listeners) != workers:
        log.warning("the number of workers changes when the server is stopped and started", workers=len(listeners))
    run = opened.enter_context(closing(RunDirectory(settings.data)))
    return _holdings(settings, application, lock, (listeners, admin), run, handed.turns, opened)


def _holdings(
    settings: Settings,
    application: Application,
    lock: DirectoryLock,
    sockets: tuple[list[socket.socket], socket.socket | None],
    run: RunDirectory,
    turns: int | None,
    opened: ExitStack,
) -> Holdings:
    listeners, admin = sockets
    doors = len(listeners)
    return Holdings(
        lock=lock.descriptor,
        listeners=listeners,
        turns=_turns(turns, doors),
        corridors=opened.enter_context(closing(corridors_for(doors))),
        admin=admin,
        run=run,
        roles=tuple(role_of(index, owners=application.owners) for index in range(doors)),
        engine_url=settings.engine or engine.url_of(run),
        engine_program=_engine_program(settings),
    )


def _turns(handed: int | None, doors: int) -> Turns:
    """Those the workers have already, if they are of the form this program knows."""
    if handed is not None:
        try:
            return Turns(handed, doors)
        except (OSError, ValueError) as error:
            log.warning("older workers let people in by turns of their own", trouble=str(error))
    return Turns(memory_for(doors), doors)


def _engine_program(settings: Settings) -> Path | None:
    return None if settings.engine else engine.program()


def _started_engine(holdings: Holdings) -> int | None:
    if holdings.engine_program is None:
        return None
    pid = engine.start(holdings.engine_program, holdings.run)
    engine.await_answer(pid, holdings.run)
    return pid
