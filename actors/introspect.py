"""What the system says about itself: the tree as data and as text, how an actor is, who has the most, what is in one.

The counters behind it are always on; looking costs only the one who looks. A dynamic supervisor may have
children by the hundred thousand, so `describe` shows the first few of each and counts the rest, and `top` goes
through all of them once (0.4 us for each).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from heapq import nlargest
from typing import TYPE_CHECKING, Literal, TypeAlias, TypeVar

from actors.suspending import itself

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.address import Address

A = TypeVar("A", bound="Actor")

TopBy: TypeAlias = Literal["time", "mailbox", "messages"]


@dataclass(frozen=True, slots=True)
class Statistics:
    """One actor, at one moment.

    Args:
        path: where it stands in the tree.
        actor: the name of its class.
        state: "resting", "ready" (waits for its turn, or runs), "suspended", "waiting"
            (between two lives) or "stopped".
        incarnation: which life it is.
        waiting: messages in its mailbox.
        peak: the most that ever waited when its turn came.
        handled: messages received, over all lives.
        dropped: messages its full mailbox refused or dropped.
        restarts: lives before this one.
        seconds: of CPU time it has used, over all lives; sampled, so only the greedy are seen.
        last_reason: why its last life ended, when that was not in the normal way.
    """

    path: str
    actor: str
    state: str
    incarnation: int
    waiting: int
    peak: int
    handled: int
    dropped: int
    restarts: int
    seconds: float
    last_reason: object


@dataclass(frozen=True, slots=True)
class Mailboxes:
    """The mailboxes of many actors.

    Args:
        waiting: messages in all of them.
        longest: messages in the fullest.
    """

    waiting: int
    longest: int


@dataclass(frozen=True, slots=True)
class ChildCount:
    """The children of one supervisor: OTP's `count_children`.

    Args:
        specs: how many there are.
        active: how many of them run.
        supervisors: how many of them are supervisors.
        workers: how many of them are actors or tasks.
    """

    specs: int
    active: int
    supervisors: int
    workers: int


@dataclass(frozen=True, slots=True)
class Node:
    """One place in the supervision tree.

    Args:
        id: its name among its siblings.
        kind: "supervisor", "dynamic", "task" or "actor".
        state: as in `Statistics`; supervisors and tasks are "running" or "stopped".
        restarts: how often it was started again.
        detail: what a reader wants to know of this kind, in a few words.
        children: those shown.
        hidden: how many more there are.
    """

    id: str
    kind: str
    state: str
    restarts: int = 0
    detail: str = ""
    children: tuple[Node, ...] = ()
    hidden: int = 0

    def count(self) -> ChildCount:
        """How many children there are; those not shown are of a dynamic supervisor, which has none that is down."""
        shown = self.children
        down = sum(child.state in {"stopped", "waiting"} for child in shown)
        supervisors = sum(child.kind in {"supervisor", "dynamic"} for child in shown)
        specs = len(shown) + self.hidden
        return ChildCount(specs, specs - down, supervisors, specs - supervisors)


def tree_lines(node: Node, indent: str = "") -> Iterator[str]:
    """The tree under `node`, one line a node."""
    restarts = f", restarted {node.restarts}x" if node.restarts else ""
    detail = f" ({node.detail})" if node.detail else ""
    yield f"{indent}{node.id}: {node.kind}, {node.state}{restarts}{detail}"
    for child in node.children:
        yield from tree_lines(child, indent + "  ")
    if node.hidden:
        yield f"{indent}  … and {node.hidden} more"


def top(addresses: Iterable[Address], most: int, by: Literal["mailbox", "messages"]) -> list[tuple[Address, float]]:
    """See `System.top`."""
    if by == "mailbox":
        amounts = ((address, len(address._box)) for address in addresses if address._box and address.alive)
    else:
        amounts = ((address, address._handled) for address in addresses if address._handled)
    return nlargest(most, amounts, key=_amount)


def mailboxes(addresses: Iterable[Address]) -> Mailboxes:
    """What waits for these actors: 0.1 us for each that rests."""
    lengths = [len(address._box) for address in addresses if address._box and address.alive]
    return Mailboxes(sum(lengths), max(lengths, default=0))


def get_state(address: Address) -> dict[str, object]:
    """What is in the slots of an actor now: a copy of the dictionary, but not of what is in it (`sys:get_state`).

    For whoever looks for a fault. Nothing in it is to be changed, and nothing but a console is to depend on it.

    Raises:
        Lifeless: it has stopped, or waits for its restart.
    """
    return _state(itself(address))


def taken_over(new_class: type[A], old: object) -> A:
    """A new object with what the old one has of it. Raises AttributeError for a slot that the old one has not got."""
    new = new_class.__new__(new_class)
    state = _state(old)
    slots, known = _slot_names(new_class), _slot_names(type(old))  # type: ignore[arg-type] # classes are hashable
    free = hasattr(new, "__dict__")
    for name, value in state.items():
        if free or name in slots:
            setattr(new, name, value)
    unsaid = slots - state.keys() - known
    if unsaid:
        raise AttributeError(f"{new_class.__qualname__}.code_change does not say what {', '.join(sorted(unsaid))} is")
    return new


def _state(actor: object) -> dict[str, object]:
    """What is set of an object, in slots or in a dictionary, but for its address."""
    state = object.__getstate__(actor)
    free, slots = state if isinstance(state, tuple) else (state, None)
    return {name: value for part in (slots, free) if part for name, value in part.items() if name != "address"}


@lru_cache(maxsize=16)
def _slot_names(of: type) -> frozenset[str]:
    """The slots of a class and of those it is derived from; the address is not state."""
    names: set[str] = set()
    for base in of.__mro__:
        declared = vars(base).get("__slots__", ())
        for name in (declared,) if isinstance(declared, str) else declared:
            private = name.startswith("__") and not name.endswith("__")
            names.add(f"_{base.__name__.lstrip('_')}{name}" if private else name)
    return frozenset(names - {"address", "__dict__", "__weakref__"})


def _amount(entry: tuple[Address, float]) -> float:
    return entry[1]
