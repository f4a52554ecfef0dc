"""Child specifications: the supervision tree as a value.

A tree is one expression that can be read from top to bottom: children start in the order they are listed,
each only when the one before it is ready, and stop in the reverse order. Specifications are frozen; a running
tree never changes them. Ids are unique among siblings; those of dynamic supervisors in the whole tree,
because they are found by it.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Hashable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

from actors.actor import Actor
from actors.mailbox import Mailbox
from actors.policy import Backoff, Breaker, Intensity, Restart, Strategy

if TYPE_CHECKING:
    from actors.task import TaskContext


@dataclass(frozen=True, slots=True)
class ActorSpec:
    """One actor.

    Args:
        id: its name among its siblings.
        start: makes an incarnation; usually the class.
        args: what `start` is called with, each time.
        restart: when it is started again.
        shutdown: seconds it gets to stop in order before it is killed; 0: it is killed at once.
        mailbox: its bound and overflow choice.
        name: what `System.whereis` finds it by; None: nothing.
    """

    id: str
    start: Callable[..., Actor]
    args: tuple[object, ...] = ()
    restart: Restart = Restart.PERMANENT
    shutdown: float = 5.0
    mailbox: Mailbox = field(default_factory=Mailbox)
    name: Hashable | None = None


@dataclass(frozen=True, slots=True)
class TaskSpec:
    """One trio task.

    Args:
        id: its name among its siblings.
        run: the task. It calls `context.started()` when it is ready; returning says so too. Cancelled to stop
            it.
        restart: when it is run again after it returned (in order) or raised (a crash).
        shutdown: seconds it gets to finish what it shields from the cancel with `context.finishing()`.
        start_timeout: seconds it may take to be ready.
    """

    id: str
    run: Callable[[TaskContext], Awaitable[None]]
    restart: Restart = Restart.PERMANENT
    shutdown: float = 5.0
    start_timeout: float = 30.0


@dataclass(frozen=True, slots=True)
class DynamicSpec:
    """A supervisor of many like children, started on demand and found by key: OTP's DynamicSupervisor.

    Args:
        id: its name among its siblings, and for `System.dynamic`.
        start: makes an incarnation of a child from the arguments it was started with.
        mailbox: the bound and overflow choice of each child.
        restart: when a child is started again. Transient, unlike the others: a child that has nothing more to
            do goes.
        shutdown: seconds all children together get to stop in order before they are killed; 0: killed at once.
        breaker: when a child that crashes is quarantined; then no crash of a child ever counts against this
            supervisor. None: they count, as in OTP.
        max_children: how many there may be.
        intensity: without a breaker, how many restarts before this supervisor gives up.
        named: whether the key of a child is its name in the whole system as well, for `System.whereis`.
    """

    id: str
    start: Callable[..., Actor]
    mailbox: Mailbox = field(default_factory=Mailbox)
    restart: Restart = Restart.TRANSIENT
    shutdown: float = 5.0
    breaker: Breaker | None = field(default_factory=Breaker)
    max_children: int | None = None
    intensity: Intensity = field(default_factory=Intensity)
    named: bool = False


@dataclass(frozen=True, slots=True)
class SupervisorSpec:
    """A supervisor of a fixed list of children. Its own shutdown is unlimited: its children have theirs.

    Args:
        id: its name among its siblings.
        children: in start order.
        strategy: who is restarted together with a child.
        intensity: how many restarts before it gives up.
        backoff: how long to wait before the nth restart in the window of the intensity.
        restart: when it is started again after it gave up.
    """

    id: str
    children: Sequence[ChildSpec] = ()
    strategy: Strategy = Strategy.ONE_FOR_ONE
    intensity: Intensity = field(default_factory=Intensity)
    backoff: Backoff = field(default_factory=Backoff)
    restart: Restart = Restart.PERMANENT

    def __post_init__(self) -> None:
        object.__setattr__(self, "children", tuple(self.children))
        ids = [child.id for child in self.children]
        doubles = sorted({id for id in ids if ids.count(id) > 1})
        if doubles:
            raise ValueError(f"supervisor {self.id!r} has several children called {', '.join(doubles)}")


ChildSpec: TypeAlias = "ActorSpec | TaskSpec | DynamicSpec | SupervisorSpec"


def dynamics_of(spec: SupervisorSpec) -> Iterator[DynamicSpec]:
    """All dynamic supervisors below a supervisor."""
    for child in spec.children:
        if isinstance(child, DynamicSpec):
            yield child
        elif isinstance(child, SupervisorSpec):
            yield from dynamics_of(child)
