"""What the store is asked about the threads of a room, and told of who has read one; and what it answers."""

from __future__ import annotations

from msgspec import Struct

from server.protocol.objects import Thread
from server.store.questions import Question


class ThreadSeen(Struct, frozen=True):
    """A draft: `by` has read the thread of the message `target` up to `seq`; the larger wins, also over `read`: how far
    they have read of the room, which holds for the thread until there is a mark of its own.

    In no log, so it lands without a `seq`. Denied with `no_such_message` where nobody has answered in a thread there.
    """

    by: str
    target: int
    seq: int
    read: int = 0


class ReadThreads(Question, frozen=True, kw_only=True):
    """Threads in which there is something, `limit` at most, those with the newest messages first; with `before`, those
    whose newest message is older. `reader` is who sees them so. Answered `ThreadsPage`.
    """

    room: str
    reader: str
    limit: int
    before: int | None


class ThreadsPage(Struct, frozen=True):
    """`more`: there are older ones."""

    room: str
    threads: tuple[Thread, ...]
    more: bool
