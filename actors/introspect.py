"""What the system says about itself: the tree as data and as text.

The counters behind it are always on; looking costs only the one who looks. A dynamic supervisor may have
children by the hundred thousand, so `describe` shows the first few of each and counts the rest.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Statistics:
    """One actor, at one moment.

    Args:
        path: where it stands in the tree.
        actor: the name of its class.
        state: "resting", "ready" (waits for its turn, or runs), "waiting" (between two lives) or "stopped".
        incarnation: which life it is.
        waiting: messages in its mailbox.
        peak: the most that ever waited when its turn came.
        handled: messages received, over all lives.
        dropped: messages its full mailbox refused or dropped.
        restarts: lives before this one.
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
    last_reason: object


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


def tree_lines(node: Node, indent: str = "") -> Iterator[str]:
    """The tree under `node`, one line a node."""
    restarts = f", restarted {node.restarts}x" if node.restarts else ""
    detail = f" ({node.detail})" if node.detail else ""
    yield f"{indent}{node.id}: {node.kind}, {node.state}{restarts}{detail}"
    for child in node.children:
        yield from tree_lines(child, indent + "  ")
    if node.hidden:
        yield f"{indent}  … and {node.hidden} more"
