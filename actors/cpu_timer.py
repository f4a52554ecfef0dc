"""A timer of the CPU time of one thread: it fires while that thread computes, and is silent while it waits.

A POSIX timer on `CLOCK_THREAD_CPUTIME_ID`, whose signal goes to the thread that set it. `signal.setitimer` would need
no ctypes, but it counts the whole process and its signal may interrupt any thread: with a second thread hashing, the
timer here fired 50 times in half a second of this thread's CPU time, `ITIMER_PROF` 68 times and `ITIMER_VIRTUAL` 56
times (and alone 51 times in a second, because it does not count what the kernel does for us). An interval timer also
survives an `exec`, into a program that dies of its signal; this one is gone after a fork and after an `exec`.

The signal is SIGVTALRM: nobody else here wants it, and trio, pytest and Python's own handlers do not.

The resolution is the kernel's tick (4 ms at 250 Hz).
"""

from __future__ import annotations

import ctypes
import os
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

SIGNAL = signal.SIGVTALRM

_CLOCK_THREAD_CPUTIME_ID = 3
_SIGEV_THREAD_ID = 4


class Unavailable(Exception):
    """There can be no such timer here; the message says why."""


class _SigEvent(ctypes.Structure):
    """`struct sigevent`, with the thread in its union, which fills it up to 64 bytes."""

    _fields_ = [
        ("value", ctypes.c_void_p),
        ("signal", ctypes.c_int),
        ("notify", ctypes.c_int),
        ("thread", ctypes.c_int),
        ("_rest", ctypes.c_char * 64),
    ]


class _TimeSpec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class _TimerSpec(ctypes.Structure):
    _fields_ = [("interval", _TimeSpec), ("first", _TimeSpec)]


_libc = ctypes.CDLL(None, use_errno=True)  # made here, so that processes that are forked later share it


@contextmanager
def cpu_ticks(period: float, handler: Callable[[int, FrameType | None], object]) -> Iterator[None]:
    """Have `handler` called after every `period` seconds of CPU time that this thread uses during the block.

    Python calls it between two instructions of whatever runs then, as every signal handler.

    Raises:
        Unavailable: this is not the main thread, where Python's signal handlers run, or not a system with such
            timers, or the signal is somebody else's.
    """
    if threading.current_thread() is not threading.main_thread():
        raise Unavailable("signal handlers run in the main thread, and this is another one")
    if signal.getsignal(SIGNAL) is not signal.SIG_DFL:
        raise Unavailable(f"{SIGNAL.name} is in use")
    if not hasattr(_libc, "timer_create"):
        raise Unavailable("this system has no timers for the CPU time of a thread")
    signal.signal(SIGNAL, handler)
    signal.siginterrupt(SIGNAL, False)
    try:
        timer = _created()
        try:
            _set(timer, period)
            yield
        finally:
            _libc.timer_delete(timer)
    finally:
        signal.signal(SIGNAL, signal.SIG_DFL)


def _created() -> ctypes.c_void_p:
    event = _SigEvent(None, SIGNAL, _SIGEV_THREAD_ID, threading.get_native_id())
    timer = ctypes.c_void_p()
    if _libc.timer_create(_CLOCK_THREAD_CPUTIME_ID, ctypes.byref(event), ctypes.byref(timer)):
        raise Unavailable(f"no timer for the CPU time of this thread: {os.strerror(ctypes.get_errno())}")
    return timer


def _set(timer: ctypes.c_void_p, period: float) -> None:
    seconds, rest = divmod(period, 1.0)
    every = _TimeSpec(int(seconds), int(rest * 1e9))
    if _libc.timer_settime(timer, 0, ctypes.byref(_TimerSpec(every, every)), None):
        raise Unavailable(f"a period of {period} s: {os.strerror(ctypes.get_errno())}")
