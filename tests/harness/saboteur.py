"""Who ends actors and tasks of a running tree by an exception, wherever the server calls a function of its own.

The tree is wrapped before it is started: each actor's `receive`, and each step of each task's (and of the tasks that it
starts), go through here. Whose turn it is to crash does so at a call that chance has chosen, in the middle of whatever
it does then; what it had done by then is done. Before and behind that nothing can go wrong in truth, and nobody there
would give back what has to be, so only who has next to nothing to call crashes behind it. A task may also find an
exception in place of what it has waited for: the commit that has landed, and of which it never hears. Only functions of
`server/` crash, and none that cleans up.

What is covered is what stands in the tree, so a new actor is without anybody thinking of it.
"""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from contextvars import ContextVar
from dataclasses import replace
from functools import cache, partial
from inspect import CO_ASYNC_GENERATOR, CO_COROUTINE, CO_GENERATOR
from random import Random
from types import FrameType
from typing import Any, NoReturn, TypeVar

import trio
from trio._core._traps import WaitTaskRescheduled  # what a task yields that waits
from trio.lowlevel import Task

from actors import (
    Actor,
    ActorSpec,
    Backoff,
    Breaker,
    ChildSpec,
    DynamicSpec,
    Intensity,
    Node,
    SupervisorSpec,
    TaskContext,
    TaskSpec,
)

R = TypeVar("R")

CALLS = 40
"""How far into what it does somebody crashes, at the most; who does less crashes sooner, the next time."""

MOST_SPARED = 20
"""Times in a row."""

WITHOUT_END = Intensity(restarts=1_000_000, seconds=60.0)
AT_ONCE = Backoff(first=0.01, factor=1.0)
SHORT = Breaker(crashes=6, window=5.0, backoff=Backoff(first=0.2, factor=1.0))
"""How patient supervisors are is tested elsewhere; here they have to be, more than anybody is in production."""


class Sabotage(Exception):
    """A fault of ours."""


def leaves(node: Node, above: str = "") -> Iterator[str]:
    """The paths of all that is no supervisor of a fixed list."""
    path = f"{above}/{node.id}" if above else node.id
    if node.kind != "supervisor":
        yield path
    for child in node.children if node.kind == "supervisor" else ():
        yield from leaves(child, path)


class Saboteur(trio.abc.Instrument):
    """Knows whose turn it is to crash. To be added to trio's instruments while the tree runs.

    Attributes
    ----------
    struck
        How often each path has crashed; what stands for many counts for all of them.
    """

    def __init__(self, chance: Random) -> None:
        self.struck: Counter[str] = Counter()
        self._chance = chance
        self._armed: dict[str, int] = {}
        self._spared: Counter[str] = Counter()
        self._scopes: dict[str, trio.CancelScope] = {}
        self._changed = trio.Event()
        self._brittle = cache(self._brittle_of)

    async def pester(self, path: str, pause: float) -> None:
        """Have it crash again and again, about every `pause` seconds, until cancelled."""
        while True:
            await trio.sleep(self._chance.uniform(0.0, pause))
            self._armed[path] = self._chance.choice((0, self._chance.randrange(CALLS)))
            with trio.move_on_after(self._chance.uniform(0.0, pause)):
                while path in self._armed:
                    await self._changed.wait()
            if path in self._armed and path in self._scopes:
                self.at_the_next_step(path)
                self._scopes[path].cancel()
            elif path not in self._armed:
                await trio.sleep(self._chance.uniform(0.0, pause))

    def rest(self) -> None:
        """Nobody crashes any more."""
        self._armed.clear()

    # --- the tree ---------------------------------------------------------------------------------------------

    def wrapped(self, spec: SupervisorSpec) -> SupervisorSpec:
        """The tree; its root stays as impatient as it is."""
        return replace(spec, children=[self._wrapped(child, spec.id) for child in spec.children])

    def _wrapped(self, spec: ChildSpec, above: str) -> ChildSpec:
        path = f"{above}/{spec.id}"
        match spec:
            case SupervisorSpec():
                children = [self._wrapped(child, path) for child in spec.children]
                return replace(spec, children=children, intensity=WITHOUT_END, backoff=AT_ONCE)
            case TaskSpec():
                return replace(spec, run=partial(self._run, path, spec.run))
            case DynamicSpec():
                return replace(spec, start=partial(self._born, path, spec.start), breaker=SHORT)
            case ActorSpec():
                return replace(spec, start=partial(self._born, path, spec.start))

    def _born(self, path: str, start: Callable[..., Actor], *args: object) -> Actor:
        actor = start(*args)
        actor.__class__ = self._brittle(path, actor.__class__)
        return actor

    def _brittle_of(self, path: str, kind: type[Actor]) -> type[Actor]:
        saboteur = self

        class Brittle(kind):  # type: ignore[misc, valid-type]
            __slots__ = ()

            def receive(self, message: object) -> None:
                calls = saboteur.calls_until(path)
                if calls is None:
                    super().receive(message)
                else:
                    _, made = saboteur.in_the_middle(path, calls, super().receive, message)
                    saboteur.survived(path, made)

        return Brittle

    async def _run(self, path: str, run: Callable[[TaskContext], Awaitable[None]], context: TaskContext) -> None:
        _path.set(path)
        task = trio.lowlevel.current_task()
        task.coro = _Steps(self, path, task, waits=True)  # type: ignore[assignment]
        with trio.CancelScope() as scope:
            self._scopes[path] = scope
            try:
                await run(context)
            finally:
                self._scopes.pop(path, None)
        if scope.cancelled_caught:
            self.strike(path)

    def task_spawned(self, task: Task) -> None:
        """Tasks that a task has started belong to it, and so does what they find in their context."""
        path = task.context.get(_path)
        if path is not None:
            task.coro = _Steps(self, path, task, waits=False)  # type: ignore[assignment]

    # --- crashing ---------------------------------------------------------------------------------------------

    def calls_until(self, path: str) -> int | None:
        """How many calls it makes until it crashes; None: it does not."""
        return self._armed.get(path)

    def strike(self, path: str) -> NoReturn:
        self._armed.pop(path, None)
        self._spared.pop(path, None)
        self.struck[path] += 1
        self._changed.set()
        self._changed = trio.Event()
        raise Sabotage(path)

    def survived(self, path: str, calls: int) -> None:
        """It made only so many calls this time: it crashes within fewer the next time, or at last in any case."""
        self._spared[path] += 1
        if self._spared[path] == MOST_SPARED:
            self.strike(path)
        if calls and path in self._armed:
            self._armed[path] = self._chance.randrange(calls)

    def in_the_middle(self, path: str, calls: int, do: Callable[[Any], R], argument: object) -> tuple[R, int]:
        """`do(argument)`, which crashes where it calls so many of the server's functions, if there are as many; and how
        many it has called."""
        most = calls

        def called(frame: FrameType, event: str, _: object) -> None:
            nonlocal calls
            code = frame.f_code
            is_ours = frame.f_globals.get("__name__", "").startswith("server.")
            may_fail = not code.co_flags & _IN_PARTS and not code.co_name.startswith(("__", "<", "receive"))
            if is_ours and may_fail and sys.exc_info()[0] is None:
                calls -= 1
                if calls < 0:
                    self.strike(path)

        before = sys.gettrace()
        sys.settrace(called)
        try:
            return do(argument), most - calls
        finally:
            sys.settrace(before)

    def at_the_next_step(self, path: str) -> None:
        self._armed[path] = 0


_IN_PARTS = CO_GENERATOR | CO_COROUTINE | CO_ASYNC_GENERATOR
"""What goes on where it had waited: to crash there would be to skip what it cleans up."""

_path: ContextVar[str | None] = ContextVar("path", default=None)


class _Steps:
    """A task's coroutine. What it has waited for may turn out to be a crash; but not that all have ended whom it has
    started, for which trio itself waits, nor that it was only somebody else's turn."""

    __slots__ = ("_coroutine", "_path", "_saboteur", "_task", "_waited")

    def __init__(self, saboteur: Saboteur, path: str, task: Task, *, waits: bool) -> None:
        self._saboteur = saboteur
        self._path = path
        self._task = task
        self._waited = waits
        self._coroutine: Coroutine[Any, Any, Any] = task.coro

    def __getattr__(self, name: str) -> Any:
        return getattr(self._coroutine, name)

    def send(self, value: object) -> Any:
        waited, self._waited = self._waited, False
        waits = self._step(value, waited)
        self._waited = isinstance(waits, WaitTaskRescheduled)
        return waits

    def _step(self, value: object, waited: bool) -> Any:
        saboteur, path = self._saboteur, self._path
        calls = saboteur.calls_until(path)
        if calls is None or self._task.child_nurseries:
            return self._coroutine.send(value)
        if calls or not waited:
            waits, _ = saboteur.in_the_middle(path, calls, self._coroutine.send, value)
            saboteur.at_the_next_step(path)
            return waits
        try:
            saboteur.strike(path)
        except Sabotage as sabotage:
            return self._coroutine.throw(sabotage)
