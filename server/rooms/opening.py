"""How a room comes to know its log, and comes to know it again: pure.

A room anchors first: the writer's answer stands behind everything an earlier incarnation had told it, so what is
read after it is complete, and nothing of the past can land later. Then it reads its record. A room that was open
before, and lost its lineage because the outcome of a commit was not known, reads what may have landed meanwhile, too,
because those who are attached have not been told of it.

Every step that fails or stays silent is begun again from the anchor.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from typing import Final

from msgspec import Struct

from actors import Address
from server.protocol.entries import Entry
from server.relays.messages import Admit, Subscribe
from server.rooms.effects import Consult, Write
from server.rooms.messages import Attach, Request
from server.store.history_messages import LogPage, ReadLog
from server.store.log_messages import Anchor, Anchored
from server.store.room_messages import LoadRoom, NoRoom, RoomRecord

RETRY_SECONDS: Final = 1.0
PATIENCE_SECONDS: Final = 10.0  # as long as a command may take; then the question was lost with whoever had it
OPENING_SECONDS: Final = 30.0
"""The same for a room that opens. Thousands open when a crowd comes, and to begin each of them again while the store is
still busy with it would be the end of all of them; what the store did not take, or refuses, is heard of at once."""

WAITING_LIMIT: Final = 10_000
"""Commands kept while a room opens; as many as its mailbox holds. Who wants to attach waits in any case: each session
does so once, and would only ask again."""


class Applicant(Struct, frozen=True):
    """A relay that wants to subscribe; `epoch`: under which the room is this node's, None if it is not."""

    subscribe: Subscribe
    epoch: int | None


Waiting = Request | Attach | Applicant | Admit

PORTION: Final = 2_000
"""Users of whom a room hears at once that has just opened: some milliseconds. In a room that crashed a million may be
told of again."""


def portion_of(waiting: deque[Waiting]) -> list[Waiting]:
    """Take the first of those that wait, with about `PORTION` users together."""
    taken: list[Waiting] = []
    users = 0
    while waiting and users < PORTION:
        taken.append(waiting.popleft())
        users += _users_of(taken[-1])
    return taken


def _users_of(what: Waiting) -> int:
    match what:
        case Applicant(subscribe=subscribe):
            return 1 + len(subscribe.users) + len(subscribe.admit)
        case Admit(users=users):
            return 1 + len(users)
        case _:
            return 1


class Opened(Struct, frozen=True):
    """The room may serve. `tail`: what landed since it last did."""

    lineage: int
    record: RoomRecord
    tail: tuple[Entry, ...]


class Opening:
    """The way of one room from nothing, or from a lineage that ended, to `Opened`.

    Parameters
    ----------
    refs
        Gives the room's references, for questions that can be told apart.
    is_inherited
        Whether the room was another node's a moment ago.

    Attributes
    ----------
    is_inherited
        As given.
    waiting
        What the room was told meanwhile, and can only look at when it is open.
    """

    __slots__ = (
        "_again_at", "_held", "_itself", "_lineage", "_record", "_ref", "_refs", "_room", "is_inherited", "waiting",
    )  # fmt: skip

    def __init__(self, room: str, itself: Address, refs: Iterator[int], *, is_inherited: bool = False) -> None:
        self.is_inherited = is_inherited
        self.waiting: list[Waiting] = []
        self._room = room
        self._itself = itself
        self._refs = refs
        self._ref: int | None = None
        self._held: int | None = None
        self._lineage = 0
        self._record: RoomRecord | None = None
        self._again_at = 0.0

    def begin(self, held: int | None, now: float) -> Write:
        """Start over. `held`: the `last_seq` the room has told everyone attached, None if it never was open."""
        self._held = held
        self._expect(now)
        return Write(Anchor(reply_to=self._itself, ref=self._expected, room=self._room))

    def keeps(self, what: Waiting) -> bool:
        """Whether this waits now until the room is open: nothing that is too much does."""
        if isinstance(what, Request) and len(self.waiting) >= WAITING_LIMIT:
            return False
        self.waiting.append(what)
        return True

    def waits_for(self, ref: int) -> bool:
        return ref == self._ref

    def answered(self, value: object, now: float) -> Consult | Opened | NoRoom:
        """The answer it waited for has come."""
        match value:
            case Anchored():
                self._lineage = value.lineage
                self._expect(now)
                return Consult(LoadRoom(reply_to=self._itself, ref=self._expected, room=self._room))
            case RoomRecord():
                self._record = value
                return self._loaded(value, now)
            case LogPage() if self._record is not None:
                return Opened(self._lineage, self._record, value.entries)
            case NoRoom():
                return value
            case _:
                raise TypeError(f"{type(value).__name__} is no answer to a room that opens")

    def failed(self, now: float) -> None:
        """The question could not be put or answered: begin again in a moment."""
        self._ref = None
        self._again_at = now + RETRY_SECONDS

    def beat(self, now: float) -> Write | None:
        """Begin again, if it is time to."""
        return self.begin(self._held, now) if now >= self._again_at else None

    def _loaded(self, record: RoomRecord, now: float) -> Consult | Opened:
        held = record.last_seq if self._held is None else self._held
        missing = record.last_seq - held
        if missing <= 0:
            return Opened(self._lineage, record, ())
        self._expect(now)
        return Consult(
            ReadLog(
                reply_to=self._itself, ref=self._expected, room=self._room,
                after=held, upto=record.last_seq, limit=missing,
            )
        )  # fmt: skip

    @property
    def _expected(self) -> int:
        assert self._ref is not None
        return self._ref

    def _expect(self, now: float) -> None:
        self._ref = next(self._refs)
        self._again_at = now + OPENING_SECONDS
