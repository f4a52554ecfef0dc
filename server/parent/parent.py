"""The process that forks workers: a plain loop that polls signals and pipes, and does what `crew.py` says.

The rules: no event loop, no thread, no database, no client of the engine. It has what must outlive a worker: the lock
of the data directory, the listening sockets (so that who waits at a dead worker's is let in by its successor), the
engine where it brought one. And it does little, because nobody watches it: if it dies, its children die with it.

Left out: looking whether a worker that lives does anything, but whether it lets in who comes (`porter.py`). A stopped
one is somebody's SIGSTOP; one that hangs has a watchdog of its own, and its rooms move by their leases.
"""

from __future__ import annotations

import os
import secrets
import select
import signal
import socket
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import structlog

from server.corridors import Corridors
from server.logs import set_log_level
from server.parent import engine
from server.parent.application import Application, GaveUp
from server.parent.crew import AllServe, Crew, Effect, Failure, Note, Rolled, Start, Tell
from server.parent.handing_over import HandedOver, HandedWorker, Purpose, written
from server.parent.place import Role, WorkerPlace
from server.parent.porter import Porter
from server.parent.processes import fork, give_way, has_ended, in_words, is_crowded, preempt_nobody, spawn
from server.parent.restarting import Restarts
from server.parent.run_directory import RunDirectory
from server.parent.signals import Signals, hold_back, let_through
from server.parent.terminal import Terminal
from server.settings import Settings, WrongSetting
from server.turns import Turns

log: Final = structlog.get_logger(__name__)

_ENGINE_LEAVES_SECONDS: Final = 2.0
_PREPARE_SECONDS: Final = 3_600.0
"""A migration of much data takes its time, while the old program serves."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Holdings:
    """What must outlive a worker.

    Parameters
    ----------
    lock
        The descriptor that holds the lock of the data directory. Workers inherit it, so that nobody else has the
        directory while one of them lives.
    roles
        One for each worker, and so is a listener.
    turns
        Of these listeners.
    corridors
        Between the workers that this program starts: those of the program before it have others.
    engine_program
        What to start as the engine; None where one was named.
    """

    lock: int
    listeners: list[socket.socket]
    turns: Turns
    corridors: Corridors
    admin: socket.socket | None
    run: RunDirectory
    roles: tuple[Role, ...]
    engine_url: str
    engine_program: Path | None


class Parent:
    """See the top of this file.

    Parameters
    ----------
    engine_pid
        The embedded engine's process, which answers already; None where one was named.
    handed
        From the program whose place this one takes; None if it is the first.
    """

    def __init__(
        self,
        settings: Settings,
        application: Application,
        holdings: Holdings,
        crew: Crew,
        engine_pid: int | None,
        handed: HandedOver | None,
    ) -> None:
        self._settings = settings
        self._application = application
        self._holdings = holdings
        self._crew = crew
        self._handed = handed
        self._porter = Porter(holdings.turns, holdings.listeners)
        self._signals = Signals()
        self._terminal = Terminal(None if handed is None else handed.terminal)
        self._poll = select.poll()
        self._pipes: dict[int, int] = {}
        self._engine_pid = engine_pid
        self._engine_due: float | None = None
        self._engine_restarts = Restarts()
        self._is_stopping = False
        self._upgrade_wanted = False
        self._preparing: int | None = None
        self._prepared_late_at = 0.0

    def run(self) -> None:
        """Until everybody has left. Raises `GaveUp`."""
        self._poll.register(self._signals.descriptor, select.POLLIN)
        with self._signals:
            try:
                self._begin(time.monotonic())
                while not self._crew.is_over:
                    self._wait()
            finally:
                self._end_engine()
        if self._crew.failure is not None:
            raise GaveUp(self._crew.failure)

    def _begin(self, now: float) -> None:
        if self._handed is None:
            self._do(self._crew.begin(now))
        else:
            self._do(self._crew.take_over([(worker.index, worker.pid) for worker in self._handed.workers], now))

    # What happens.

    def _wait(self) -> None:
        """For the next thing to happen, and what follows from it."""
        for descriptor, _ in self._poll.poll(self._patience()):
            if descriptor == self._signals.descriptor:
                for number in self._signals.taken():
                    self._on_signal(number)
            else:
                self._on_pipe(descriptor)
        self._start_engine_if_due()
        self._do(self._crew.pass_time(time.monotonic()))
        self._look_after_doors(time.monotonic())
        self._upgrade_if_wanted()

    def _patience(self) -> float | None:
        """Milliseconds until something is due; None: nothing is."""
        dues = [
            self._crew.next_due(),
            self._engine_due,
            self._prepared_late_at if self._preparing else None,
            None if self._is_stopping else self._porter.look_at,
        ]
        due = min((each for each in dues if each is not None), default=None)
        return None if due is None else max(0.0, due - time.monotonic()) * 1000 + 1

    def _look_after_doors(self, now: float) -> None:
        if self._is_stopping:  # they are closed
            return
        self._porter.serve(index for index, _ in self._crew.serving())
        if self._porter.look_at is not None and now >= self._porter.look_at:
            for index in self._porter.look(now):
                log.warning("nobody is let in where somebody waits, so others have to do it", worker=index)

    def _on_signal(self, number: signal.Signals) -> None:
        match number:
            case signal.SIGCHLD:
                self._bury()
            case signal.SIGHUP if not self._terminal.is_gone():
                self._reread()
            case signal.SIGUSR2:
                self._upgrade_wanted = True
            case signal.SIGINT:
                self._stop(number)
            case _:
                self._stop(signal.SIGTERM)

    def _on_pipe(self, descriptor: int) -> None:
        """A worker is ready; or it has ended, which is heard of otherwise."""
        self._poll.unregister(descriptor)
        pid = self._pipes.pop(descriptor)
        said = os.read(descriptor, 1)
        os.close(descriptor)
        if said and pid in self._crew.pids():
            self._do(self._crew.is_ready(pid, time.monotonic()))

    def _bury(self) -> None:
        """Whoever has ended. Each is asked by its id, so that nobody else's child is taken from them."""
        for pid in self._crew.pids():
            code = has_ended(pid)
            if code is not None:
                self._do(self._crew.ended(pid, code, time.monotonic()))
        if self._engine_pid is not None:
            code = has_ended(self._engine_pid)
            if code is not None:
                self._on_end_of_engine(code)
        if self._preparing is not None:
            code = has_ended(self._preparing)
            if code is not None:
                self._on_prepared(code)

    # What is done.

    def _do(self, effects: list[Effect]) -> None:
        for effect in effects:
            match effect:
                case Start(index):
                    self._start(index)
                case Tell(pid, number):
                    os.kill(pid, number)  # it is our child, and not buried yet: nobody else has this id
                case Note(text, index, pid):
                    say = log.warning if effect.is_trouble else log.info
                    say(text, worker=index, worker_pid=pid)
                case AllServe():
                    self._application.announce(self._holdings.listeners[0], self._holdings.admin)
                case Rolled(None):
                    log.info("every worker runs the new program")
                case Rolled(failure):
                    log.error("the new program does not work; those workers that run the old one stay", why=failure)
        if self._crew.failure is not None:
            self._close_listeners()

    def _start(self, index: int) -> None:
        reading, writing = os.pipe2(os.O_CLOEXEC)

        def work() -> int:
            self._leave_behind(index, reading)
            roles = self._holdings.roles
            if is_crowded(len(roles)):
                preempt_nobody()
                if roles[index] is Role.GATEWAY:
                    give_way(len(roles))
            return self._application.work(self._place(index, writing))

        pid = fork(work)
        os.close(writing)
        self._pipes[reading] = pid
        self._poll.register(reading, select.POLLIN)
        self._crew.started(index, pid, time.monotonic())

    def _leave_behind(self, index: int, pipe: int) -> None:
        """In a worker: close what is the parent's, or another worker's."""
        self._signals.close()
        for descriptor in (pipe, *self._pipes):
            os.close(descriptor)
        for other, listener in enumerate(self._holdings.listeners):
            if other != index:
                listener.close()
        self._holdings.corridors.keep_only(index)

    def _place(self, index: int, pipe: int) -> WorkerPlace:
        holdings = self._holdings
        return WorkerPlace(
            index=index,
            workers=len(holdings.roles),
            role=holdings.roles[index],
            node=f"n_{secrets.token_hex(4)}",
            settings=self._settings,
            reread=self._application.reread,
            listener=holdings.listeners[index],
            turns=holdings.turns,
            corridors=holdings.corridors,
            admin=holdings.admin,
            run=holdings.run,
            engine=holdings.engine_url,
            ready_pipe=pipe,
        )

    def _reread(self) -> None:
        if self._is_stopping:
            return
        try:
            self._settings = self._application.reread()
        except WrongSetting as wrong:
            log.error("the settings stay as they were", trouble=str(wrong))
            return
        set_log_level(self._settings.log_level)
        log.info("the settings were read anew")
        for _, pid in self._crew.serving():
            os.kill(pid, signal.SIGHUP)

    def _stop(self, number: signal.Signals) -> None:
        log.info("stopping", signal=number.name)
        self._close_listeners()
        self._do(self._crew.stop(number, time.monotonic()))

    def _close_listeners(self) -> None:
        """So that the kernel refuses whoever comes after the workers have closed theirs."""
        self._is_stopping = True
        for listener in self._holdings.listeners:
            listener.close()

    # The engine.

    def _on_end_of_engine(self, code: int) -> None:
        self._engine_pid = None
        if self._is_stopping:
            return
        log.error("the engine has ended", how=in_words(code))
        now = time.monotonic()
        wait = self._engine_restarts.after(now)
        if wait is not None:
            self._engine_due = now + wait
        else:
            self._do(self._crew.give_up(Failure(f"the engine ended again and again: {in_words(code)}", 1), now))

    def _start_engine_if_due(self) -> None:
        program = self._holdings.engine_program
        if self._engine_due is None or program is None or self._is_stopping or time.monotonic() < self._engine_due:
            return
        self._engine_due = None
        self._engine_pid = engine.start(program, self._holdings.run)

    def _end_engine(self) -> None:
        """It has nothing to keep."""
        self._is_stopping = True
        if self._engine_pid is not None and has_ended(self._engine_pid) is None:
            os.kill(self._engine_pid, signal.SIGKILL)
            os.waitpid(self._engine_pid, 0)

    # The upgrade.

    def _upgrade_if_wanted(self) -> None:
        """When there is nothing else to do: what is handed over is simple then."""
        if self._preparing is not None:
            if time.monotonic() >= self._prepared_late_at:
                os.kill(self._preparing, signal.SIGKILL)
            return
        if not self._upgrade_wanted or not self._is_steady:
            return
        self._upgrade_wanted = False
        log.info("upgrading: looking whether the new program works")
        handed = self._handed_over(Purpose.PREPARE)
        self._prepared_late_at = time.monotonic() + _PREPARE_SECONDS
        self._preparing = spawn(_program(), environment=written(handed), inherited=[self._holdings.lock])

    @property
    def _is_steady(self) -> bool:
        """Everybody is there, and nobody more."""
        has_engine = self._holdings.engine_program is None or self._engine_pid is not None
        return has_engine and self._crew.is_steady

    def _on_prepared(self, code: int) -> None:
        self._preparing = None
        if self._is_stopping:
            return
        if code != 0:
            log.error("the new program does not work; the old one goes on", how=in_words(code))
        elif not self._is_steady:
            self._upgrade_wanted = True  # somebody died meanwhile
        else:
            self._take_over()

    def _take_over(self) -> None:
        """The new program takes the place of this one. Returns only if it cannot."""
        hold_back()
        handed = self._handed_over(Purpose.TAKE_OVER)
        for descriptor in handed.descriptors:
            os.set_inheritable(descriptor, True)
        log.info("upgrading: the new program takes over")
        try:
            os.execve(_program()[0], _program(), written(handed))  # noqa: S606 - this very program
        except OSError as error:
            log.error("the new program cannot be started; the old one goes on", trouble=str(error))
        for descriptor in handed.descriptors:
            os.set_inheritable(descriptor, False)
        let_through()

    def _handed_over(self, purpose: Purpose) -> HandedOver:
        holdings = self._holdings
        return HandedOver(
            purpose=purpose,
            lock=holdings.lock,
            listeners=tuple(listener.fileno() for listener in holdings.listeners),
            admin=None if holdings.admin is None else holdings.admin.fileno(),
            turns=holdings.turns.memory,
            workers=tuple(HandedWorker(index, pid) for index, pid in self._crew.serving()),
            engine=self._engine_pid,
            terminal=self._terminal.is_heeded,
        )


def _program() -> list[str]:
    """What was started, with its options: the file of it may be another one now."""
    return [sys.executable, *sys.orig_argv[1:]]
