"""Overruns: a call of an actor that has used too much CPU time is ended by an exception from outside.

Each tick of a CPU timer looks at the stack of the thread it has interrupted. What is there is all it knows: an actor's
hook that was on the stack at an earlier tick as well, in the same call, has run since then at least. So a limit counts
one call (one message, not the turn), nothing is noted on the hot path, and nobody is hit before its limit; after it,
within a tick.

The rules:
- `Overrun` is raised where only the actor's own code is cut short (`actor_code` says what that is). When the tick
  finds anything else inside the hook - this package, a socket, a log, a lock of the library - that is finished
  first: the actor's frames are traced, and the next line one of them begins raises.
- It is a `BaseException`: `except Exception` in a loop does not catch it. Whoever goes on all the same, in a `finally`
  or after a bare `except`, has the limit once more; from the second time on what caught it is interrupted as well.
- A hook that ends before its next line has ended. It is not interrupted any more.
- The time of a call inside a call (an actor starts another, whose constructor loops) is not held against the outer
  one when the inner one has been ended for it.

The tracing function of a debugger or of a coverage tool is put back: at once when the hook ends, at the end of the
scheduler's slice after an exception (Python itself removes a tracing function that raises).
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import thread_time
from types import FrameType
from typing import Any

from actors.actor_code import Call, actor_frames, calls_on
from actors.errors import Overrun
from actors.sampling import Samples

Trace = Callable[[FrameType, str, Any], Any]


class _Seen:
    """What is known of a call that is on the stack.

    Attributes:
        since: the thread's CPU time from which its limit counts.
        times: how often the limit was up.
    """

    __slots__ = ("since", "times")

    def __init__(self, since: float) -> None:
        self.since = since
        self.times = 0


class Overruns:
    """Looks at the stack at every tick, and interrupts who has had its time.

    Args:
        limit: seconds of CPU time for one call of a hook; None: nobody is interrupted.
        named: modules and packages whose code counts as actor code too.
        samples: where the time that has gone by is noted.
    """

    __slots__ = ("_last", "_limit", "_named", "_on_return", "_samples", "_seen")

    def __init__(self, limit: float | None, named: tuple[str, ...], samples: Samples) -> None:
        self._limit = limit
        self._named = named
        self._samples = samples
        self._seen: dict[FrameType, _Seen] = {}
        self._last = thread_time()
        self._on_return = OnReturn(self._may_raise)

    def tick(self, _: int, frame: FrameType | None) -> None:
        """A little more CPU time has gone by: the signal handler. Raises `Overrun` into what it has interrupted."""
        if frame is None or frame.f_globals is globals():
            return  # in the middle of what this file itself does
        now = thread_time()
        calls = calls_on(frame)
        if calls:
            self._samples.add(calls[-1].address, now - self._last)
        self._last = now
        running = [call for call in calls if call.frames]
        self._seen = {call.frames[0]: self._seen.get(call.frames[0]) or _Seen(now) for call in running}
        if self._limit is not None:
            self._look_for_overruns(running, now, self._limit)

    def slice_over(self) -> None:
        """No hook runs now: forget the frames of those that did, and with them all that they refer to."""
        self._seen.clear()
        self._on_return.settle()

    def _look_for_overruns(self, running: list[Call], now: float, limit: float) -> None:
        """Interrupt the innermost call that is over its limit, and can be interrupted at all."""
        for call in running:
            seen = self._seen[call.frames[0]]
            if now - seen.since >= limit and (own := actor_frames(call, self._named)):
                seen.times += 1
                for each in self._seen.values():
                    each.since = now
                masked = len(own) < len(call.frames)
                if masked or seen.times > 1:
                    self._on_return.arm(own, call.address.path, limit)
                if not masked:
                    raise Overrun(call.address.path, limit)
                return

    def _may_raise(self, frame: FrameType, hook: FrameType) -> bool:
        """Whether nothing but actor code runs between a frame and the hook."""
        call, *_ = calls_on(frame)
        return call.frames[0] is hook and len(actor_frames(call, self._named)) == len(call.frames)


class OnReturn:
    """Raises in the frames of an actor, at the next line that one of them begins.

    Args:
        may_raise: whether a frame may be interrupted now, given that of the hook: a generator may have been handed to
            somebody who may not.
    """

    __slots__ = ("_armed", "_limit", "_lost", "_may_raise", "_others", "_path")

    def __init__(self, may_raise: Callable[[FrameType, FrameType], bool]) -> None:
        self._may_raise = may_raise
        self._armed: dict[FrameType, Trace | None] = {}
        self._path, self._limit = "", 0.0
        self._others: Any = None
        self._lost: Any = None

    def arm(self, frames: list[FrameType], path: str, limit: float) -> None:
        """Raise in whichever of these frames goes on first. The first in the list is that of the hook."""
        self._lift()
        self._path, self._limit = path, limit
        self._others = sys.gettrace()
        self._armed = {frame: frame.f_trace for frame in frames}
        for frame in frames:
            frame.f_trace = self._trace
        sys.settrace(self._trace)

    def settle(self) -> None:
        """None of the frames is left: put everything back."""
        self._lift()
        if self._lost is not None:
            sys.settrace(self._lost)
            self._lost = None

    def _lift(self) -> None:
        if self._armed:
            for frame, before in self._armed.items():
                frame.f_trace = before
            self._armed = {}
            sys.settrace(self._others)

    def _trace(self, frame: FrameType, event: str, _: object) -> Trace | None:
        if frame not in self._armed:
            return None
        hook = next(iter(self._armed))
        if event == "line" and self._may_raise(frame, hook):
            self._lost = self._others or self._lost
            self._lift()
            raise Overrun(self._path, self._limit)
        if event == "return" and frame is hook:
            self._lift()
            return None
        return self._trace
