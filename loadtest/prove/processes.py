"""Programs that are started here, watched, and stopped, with all that they start in turn.

The rules:
- Each has a session and a process group of its own, so that Ctrl-C at a terminal reaches this process alone, which ends
  the others in its order. If this process is killed, each of them is told SIGTERM by the kernel (prctl(2)).
- Who belongs to a program is whoever descends from it. That is looked at while it lives, because the children of one
  that is killed have another parent afterwards; a process is known by its id and when it began.
- A program that ends before it was told to is a `Fault`, with the last lines of what it said.

What is started here starts no process in the background on purpose, so whatever is left after the end is killed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, NamedTuple

_PR_SET_PDEATHSIG: Final = 1
_LAST_LINES: Final = 15
_LOOK_SECONDS: Final = 0.05
_KILL_SECONDS: Final = 10.0
_LIBC: Final = ctypes.CDLL(None)  # before any fork


class Fault(Exception):
    """Something went wrong with a program: one line, and what it said last."""

    def __init__(self, line: str, said: str = "") -> None:
        super().__init__(line)
        self.said = said


class Process(NamedTuple):
    """One process: an id alone may mean another one later."""

    pid: int
    began: int
    """In ticks since the machine started (proc(5))."""


Table = Mapping[int, tuple[int, "Process"]]
"""Processes by their ids, each with its parent's id."""


def table() -> dict[int, tuple[int, Process]]:
    """Every process by its id, with its parent's id."""
    found = {}
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with suppress(OSError):  # it has ended meanwhile
                fields = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()
                if fields[0] != "Z":
                    found[int(name)] = int(fields[1]), Process(int(name), int(fields[19]))
    return found


def descendants(pid: int, processes: Table) -> list[Process]:
    """A process and all that descend from it, the oldest first."""
    children: dict[int, list[Process]] = {}
    for parent, process in processes.values():
        children.setdefault(parent, []).append(process)
    found, waiting = [], [processes[pid][1]] if pid in processes else []
    while waiting:
        found.append(waiting.pop())
        waiting += children.get(found[-1].pid, ())
    return sorted(found, key=lambda process: process.began)


class Program:
    """One that was started.

    Parameters
    ----------
    name
        What people call it.
    log
        The file that gets its stderr, and its stdout unless that is read here.
    environment
        All of it.
    reads
        Whether its stdout is read here, see `first_line`.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log: Path,
        *,
        environment: Mapping[str, str],
        reads: bool = False,
    ) -> None:
        self.name = name
        self.log = log
        self.command = tuple(command)
        self._family: set[Process] = set()
        self._is_to_end = False
        with log.open("ab") as output:
            self._process = subprocess.Popen(  # noqa: S603 - a command of ours
                command,
                env=environment,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE if reads else output,
                stderr=output,
                start_new_session=True,
                preexec_fn=_end_with_us,  # allowed: there are no threads here
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def family(self, processes: Table | None = None) -> list[Process]:
        """The processes it is made of now, itself first; `processes`: all there are, where somebody has just looked."""
        now = descendants(self.pid, table() if processes is None else processes)
        self._family.update(now)
        return now

    def ended(self) -> int | None:
        """Its exit code, negative for the signal that ended it; None while it lives."""
        return self._process.poll()

    def expect_end(self) -> None:
        """From here on it is no fault if it ends."""
        self._is_to_end = True

    def check(self) -> None:
        """Raise `Fault` if it has ended and was not to."""
        code = self.ended()
        if code is not None and not self._is_to_end:
            raise Fault(f"{self.name} ended before it was told to: {in_words(code)}", self.last_words())

    def last_words(self) -> str:
        """The last lines of its log."""
        with suppress(OSError):
            return "\n".join(self.log.read_text(errors="replace").splitlines()[-_LAST_LINES:])
        return ""

    def first_line(self, seconds: float) -> str:
        """The first line of its stdout. Raises `Fault` if it ends or the time is over before there is one."""
        stdout = self._process.stdout
        assert stdout is not None, "its stdout is not read"
        os.set_blocking(stdout.fileno(), False)
        line, end = b"", time.monotonic() + seconds
        while not line.endswith(b"\n"):
            with suppress(BlockingIOError):
                line += os.read(stdout.fileno(), 4096)
            if not line.endswith(b"\n"):
                self.check()
                if time.monotonic() > end:
                    raise Fault(f"{self.name} did not start within {seconds:.0f} s", self.last_words())
                time.sleep(_LOOK_SECONDS)
        return line.decode().splitlines()[0]

    def stop(self, seconds: float, in_a_hurry: Callable[[], bool] = lambda: False) -> None:
        """Tell it to end, and wait; kill what is left after `seconds`, or as soon as somebody is in a hurry."""
        self.expect_end()
        self.family()
        if self.ended() is None:
            self._process.terminate()
        end = time.monotonic() + seconds
        while self.ended() is None and time.monotonic() < end and not in_a_hurry():
            time.sleep(_LOOK_SECONDS)
        self._kill_rest()
        if self._process.stdout is not None:
            self._process.stdout.close()

    def _kill_rest(self) -> None:
        end = time.monotonic() + _KILL_SECONDS
        while (left := list(self._left())) and time.monotonic() < end:
            for process in left:
                with suppress(ProcessLookupError):
                    os.kill(process.pid, signal.SIGKILL)
            self._process.poll()
            time.sleep(_LOOK_SECONDS)

    def _left(self) -> Iterator[Process]:
        now = table()
        self._family.update(descendants(self.pid, now))
        return (process for process in self._family if process.pid in now and now[process.pid][1] == process)


def in_words(code: int) -> str:
    """How a process with this exit code ended."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _end_with_us() -> None:
    _LIBC.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
