"""Address: how everything refers to an actor, and the only object an idle actor costs besides its own state.

The address of an actor of this system *is* the runtime's cell for it: state, mailbox, life. One slotted object, nothing
per actor in a dictionary of its own, and what only few actors need (open questions, arguments for the next life) in
a second object made on demand: 112 bytes for an actor at rest. An address of somebody elsewhere is no cell,
and has no place for one (`far_address.py`). Its groups are `Few`, and so are those it is tied to by
watching (`ties.py`): mostly one, and then they cost nothing more. What all children of one specification share is in
its `Blueprint`.

The rules:
- The mailbox is None while the actor rests. A list: it waits for its turn, runs, or has no incarnation now.
  `CLOSED`: it has stopped for good. So `tell` decides by one look, and an actor is on the run queue at most
  once.
- A mailbox is a list, because a list of one message costs a quarter of a deque; the scheduler turns it into a
  deque when a backlog has grown (`del box[0]` works on both, and is only slow on a long list).
- `tell` comes from the trio thread only. From another thread: `trio.from_thread.run_sync(address.tell,
  message)`.

The fields with an underscore belong to this package's own files, not to applications.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Hashable
from typing import TYPE_CHECKING, Any, Final

from actors.errors import AskFailed, Refused, Stopped
from actors.few import Few
from actors.introspect import Statistics
from actors.mailbox import Overflow
from actors.messages import Gapped
from actors.reply import Reply, dropped

if TYPE_CHECKING:
    from actors.actor import Actor
    from actors.blueprint import Blueprint
    from actors.ties import Ties

GAPPED = Gapped()


class _Closed(list[object]):
    """The mailbox of those who have stopped for good: full at any limit."""

    def __len__(self) -> int:
        return 2**62


CLOSED = _Closed()


class Extra:
    """What only some actors have: which life this is, after the first; arguments that the next one is made with,
    questions that are open, how the last life ended, how many messages found the mailbox full, and whether this life
    has asked and was answered."""

    __slots__ = ("answered", "args", "dropped", "incarnation", "questions", "reason")

    def __init__(self) -> None:
        self.args: tuple[object, ...] = ()
        self.questions: dict[Reply[Any], None] | None = None
        self.reason: object = None
        self.dropped = 0
        self.answered = False
        self.incarnation = 1


OF_ALL: Final = ("_blueprint", "_key", "_ties")
"""The slots of every address. For other attributes a cell has slots, and who is elsewhere says one value for all."""


class Address:
    """A running, resting or waiting actor, from outside. Stable over restarts; compared and hashed by identity."""

    __slots__ = OF_ALL

    _actor: Actor | None
    _box: list[object] | deque[object] | None
    _urgent: list[object] | None
    _extra: Extra | None
    _groups: Few[Hashable]
    _handled: int
    _peak: int

    def __init__(self, blueprint: Blueprint, key: Hashable | None) -> None:
        self._blueprint = blueprint
        self._key = key
        self._ties: Ties = None

    def tell(self, message: object, /) -> bool:
        """Put a message into the mailbox; never blocks.

        Returns:
            False if it was not taken: the actor has stopped, or its mailbox is full and it refuses.
        """
        box = self._box
        if box is None:
            self._box = [message]
            self._blueprint.scheduler.enqueue(self)
            return True
        if len(box) < self._blueprint.limit:
            box.append(message)
            return True
        return self._overflow(message)

    def answer(self, message: object, /) -> bool:
        """Tell the answer to a question: it takes the place the question has reserved, so a full mailbox takes
        it too.

        Whoever asks bounds the number of its open questions; that is the bound on answers.

        Returns:
            False if the actor has stopped.
        """
        box = self._box
        if box is None:
            self._box = [message]
            self._blueprint.scheduler.enqueue(self)
            return True
        if box is CLOSED:
            return self._dead_letter(message)
        box.append(message)
        return True

    def urgent(self, message: object, /) -> bool:
        """Tell something that is handled ahead of all ordinary messages (in order among urgent ones).

        For the few messages that control an actor. Not held against the mailbox's limit.

        Returns:
            False if the actor has stopped.
        """
        if self._box is CLOSED:
            return self._dead_letter(message)
        if self._urgent is None:
            self._urgent = [message]
        else:
            self._urgent.append(message)
        if self._box is None:
            self._box = []
            self._blueprint.scheduler.enqueue(self)
        return True

    @property
    def incarnation(self) -> int:
        """Which life this is: 1, 2, 3 … rising with every restart."""
        return 1 if self._extra is None else self._extra.incarnation

    @property
    def alive(self) -> bool:
        """Whether it takes messages. One that waits for its restart is alive: its mailbox is kept for the next life."""
        return self._box is not CLOSED

    @property
    def living(self) -> bool:
        """Whether it has an incarnation now. Not while it waits for its restart; that of a suspended actor is kept by
        the system."""
        return self._actor is not None or self in self._blueprint.system.suspended

    @property
    def name(self) -> Hashable | None:
        """The name it was given in its specification, or its key among the children of a dynamic supervisor."""
        return self._key

    @property
    def path(self) -> str:
        """Where it stands in the tree: the ids from the root down, joined by slashes."""
        return self._blueprint.owner.path_of(self)

    def statistics(self) -> Statistics:
        """How it is: what waits in its mailbox, what it has handled, how it last ended."""
        return Statistics(
            path=self.path,
            actor=self._blueprint.actor_name,
            state=self._state(),
            incarnation=self.incarnation,
            waiting=0 if self._box is None or self._box is CLOSED else len(self._box),
            peak=self._peak,
            handled=self._handled,
            dropped=self._extra.dropped if self._extra else 0,
            restarts=self.incarnation - 1,
            seconds=self._blueprint.system.samples.seconds_of(self),
            last_reason=self._extra.reason if self._extra else None,
        )

    def __repr__(self) -> str:
        return f"<Address {self.path} #{self.incarnation} {self._state()}>"

    def _state(self) -> str:
        if self._box is CLOSED:
            return "stopped"
        if self._actor is None:
            return "suspended" if self.living else "waiting"
        return "resting" if self._box is None else "ready"

    def _more(self) -> Extra:
        if self._extra is None:
            self._extra = Extra()
        return self._extra

    def _opened(self, question: Reply[Any]) -> None:
        """Remember a question that this actor has just taken."""
        extra = self._more()
        if extra.questions is None:
            extra.questions = {}
        extra.questions[question] = None

    def _settled(self, question: Reply[Any]) -> None:
        """Forget a question that is over."""
        extra = self._extra
        if extra is not None and extra.questions is not None:
            extra.questions.pop(question, None)
            if not extra.questions:
                extra.questions = None

    def _why_not(self) -> AskFailed:
        """Why it has just not taken a question."""
        return Refused(f"{self.path} is full") if self.alive else Stopped(f"{self.path} has stopped")

    def _dead_letter(self, message: object) -> bool:
        self._blueprint.system.dead_letters.lost(self, message)
        return False

    def _overflow(self, message: object) -> bool:
        """The mailbox is full, or closed."""
        box = self._box
        if box is None or box is CLOSED:
            return self._dead_letter(message)
        self._more().dropped += 1
        match self._blueprint.overflow:
            case Overflow.REFUSE:
                return False
            case Overflow.DROP_NEWEST:
                dropped(message)
            case Overflow.DROP_OLDEST:
                dropped(box[0])
                del box[0]
                box.append(message)
            case Overflow.GAP:
                dropped(message)
                if box[-1] is not GAPPED:
                    box.append(GAPPED)
        return True


class Cell(Address):
    """The address of an actor of this system."""

    __slots__ = ("_actor", "_box", "_extra", "_groups", "_handled", "_peak", "_urgent")

    def __init__(self, blueprint: Blueprint, key: Hashable | None) -> None:
        self._blueprint = blueprint  # all of it here: whoever is started would pay for one more call
        self._key = key
        self._actor = None
        self._box = []
        self._urgent = None
        self._extra = None
        self._ties = None
        self._groups = None
        self._handled = 0
        self._peak = 0
