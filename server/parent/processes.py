"""Child processes: how one is forked so that it is alone, ends with its parent, and says how it ended.

The rules:
- Signals are held back around a fork: one that came to the child before it has handlers of its own would be told to
  the parent, through the pipe that both have then.
- A child dies with its parent, however that ends (prctl(2), PR_SET_PDEATHSIG). What is on disk is acknowledged and
  what is not, is not, so nothing is lost by it; and who starts the next parent need not wait for orphans.
- A child has a session of its own, so that Ctrl-C at a terminal reaches the parent alone, who tells it to the children
  in its own way.
- Only who runs no thread may fork.
"""

from __future__ import annotations

import ctypes
import logging
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from math import ceil
from math import log as logarithm
from pathlib import Path
from typing import Final, NoReturn

log = logging.getLogger("server.parent.processes")

_CROWDED: Final = 3  # processes for each processor
_NICEST: Final = 19
_SESSION: Final = Path("/proc/self/autogroup")
_TRIES: Final = 100
_TRY_AGAIN_SECONDS: Final = 0.1
_STEP: Final = 1.25  # by so much less weighs who is nicer by one (sched(7))
_PR_SET_PDEATHSIG: Final = 1
_CRASHED: Final = 1
_NOT_STARTED: Final = 127  # what a shell says, too

# Made here, and not in each child: then they share it.
_libc: Final = ctypes.CDLL(None)
_every_signal: Final = signal.valid_signals()


def fork(work: Callable[[], int]) -> int:
    """Start a child that calls `work` and ends with the code it returns; what it raises is a traceback and code 1.

    Returns its process id.
    """
    parent = os.getpid()
    for stream in (sys.stdout, sys.stderr):
        stream.flush()  # or the child would write it again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, _every_signal)
    try:
        pid = os.fork()
        if pid == 0:
            _become_child(parent)
            _end_after(work)
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
    return pid


def cores() -> int:
    """Those this process may use."""
    return len(os.sched_getaffinity(0))


def is_crowded(processes: int) -> bool:
    """Whether so many that have much to do at once are many for this machine."""
    return processes >= _CROWDED * cores()


def preempt_nobody() -> None:
    """Whoever runs goes on until they wait, or their time is up; also in the threads that are started from now on.

    A worker that wakes takes the processor from another at once, as the kernel likes it, and both have to fill its
    caches anew. That is SCHED_BATCH (sched(7)), which needs no privilege: with 56 workers on two processors it took a
    fifth off what a connect costs (docs/figures.md).
    """
    try:
        os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
    except (AttributeError, OSError) as error:  # not Linux, or a sandbox forbids it
        log.debug("the kernel lets workers preempt each other: %s", error)


def niceness_among(processes: int, processors: int) -> int:
    """How nice each of so many is, if all of them that share a processor are to weigh as much as one that is not: pure.

    Ten steps, whatever their number, would be a seventh of a processor for one among a hundred others.
    """
    return min(ceil(logarithm(max(1.0, processes / processors), _STEP)), _NICEST)


def give_way(processes: int) -> None:
    """Others go before this process, one of so many, where they want more of the processors than there is; for good.

    Also before the threads that it starts from now on. That is nice(2): to take it back would need a privilege.
    Many kernels share the processors among sessions first (CONFIG_SCHED_AUTOGROUP, sched(7)), and niceness counts only
    within one; a child has a session of its own, so that has to be as nice.
    """
    niceness = niceness_among(processes, cores())
    os.nice(niceness)
    for _ in range(_TRIES):
        try:
            _SESSION.write_text(str(niceness))
        except BlockingIOError:  # ten sessions a second may say so, of all that have no privilege
            time.sleep(_TRY_AGAIN_SECONDS)
        except OSError as error:  # there is no such thing here, or nobody may write to it
            log.debug("this session is as nice as any other: %s", error)
            return
        else:
            return


def spawn(
    command: Sequence[str],
    *,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
    output: int | None = None,
    inherited: Sequence[int] = (),
) -> int:
    """Start another program.

    Parameters
    ----------
    command
        The program's file, then its arguments.
    environment
        In place of ours.
    folder
        What it begins in, in place of ours.
    output
        A descriptor to take the place of its stdout and stderr.
    inherited
        Descriptors that it gets; beside stdin, stdout and stderr it gets no other.

    Returns its process id. One that cannot be started ends with code 127.
    """

    def work() -> int:
        if folder is not None:
            os.chdir(folder)
        if output is not None:
            os.dup2(output, 1)
            os.dup2(output, 2)
        for descriptor in inherited:
            os.set_inheritable(descriptor, True)
        try:
            os.execve(command[0], [*command], dict(os.environ if environment is None else environment))  # noqa: S606
        except OSError as error:
            os.write(2, f"cannot start {command[0]}: {error.strerror}\n".encode())
        return _NOT_STARTED

    return fork(work)


def has_ended(pid: int) -> int | None:
    """The exit code of a child that has ended, negative for the signal that ended it; None while it lives.

    To be asked once for each child that has ended.
    """
    found, status = os.waitpid(pid, os.WNOHANG)
    return os.waitstatus_to_exitcode(status) if found else None


def wait_for(pid: int) -> int:
    """The exit code of a child, as above, when it has ended."""
    _, status = os.waitpid(pid, 0)
    return os.waitstatus_to_exitcode(status)


def in_words(code: int) -> str:
    """How a process with this exit code ended, for the log."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"


def _become_child(parent: int) -> None:
    os.setsid()
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it was gone before we had asked
        os._exit(_CRASHED)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR2, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())


def _end_after(work: Callable[[], int]) -> NoReturn:
    """End here: what is below on this stack is the parent's."""
    code = _CRASHED
    try:
        code = work()
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else _CRASHED
    except BaseException:  # noqa: ASYNC103 - nothing is above this: the process ends here
        traceback.print_exc()
    finally:
        logging.shutdown()
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os._exit(code)
