"""The commands of a session that are not answered yet: pure, with the time passed in.

Of each room they form one queue, over all connections of the session:
- Posts that follow each other are begun at once, one behind the other. Any other command waits until it is alone at
  the head, and everything behind it waits for it: so a `leave` never overtakes a post, nor a post a `leave`.
- Replies leave in the order of the queue, even if the room answered otherwise.
- Behind a post that was refused for now, other posts are too, until it is sent again (`rooms/holds.py`).
- A room that is not attached at the moment keeps its queue; a command that has waited too long is answered
  `unavailable`, and whatever becomes of it later is nobody's business.

Commands that concern no room, or one that is not known yet, are in no queue.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable
from itertools import dropwhile, islice
from typing import Final

from msgspec import Struct

from actors import Address
from server.protocol.commands import AnyCommand
from server.protocol.errors import FOR_NOW, Refusal, unavailable
from server.protocol.message_commands import Post
from server.protocol.replies import Error, Ok, error_from
from server.rooms.holds import Holds

COMMAND_SECONDS: Final = 10.0  # docs/protocol.md: every command is answered within that


class Open(Struct):
    """A command without a reply.

    `begun`: it was sent on its way. `reply`: what to answer once everything before it in the queue is answered.
    """

    ref: int
    connection: Address
    command: AnyCommand
    room: str | None
    deadline: float
    begun: bool = False
    reply: Ok | Error | None = None


class Begin(Struct, frozen=True):
    """Send this command on its way, unless it has got a reply since."""

    open: Open


class Answered(Struct, frozen=True):
    connection: Address
    reply: Ok | Error


CommandEffect = Begin | Answered
Effects = list[CommandEffect]


class Commands:
    """The open commands of one session.

    Parameters
    ----------
    seconds
        How long a command may stay without a reply.
    """

    __slots__ = ("_blocked", "_holds", "_open", "_queues", "_seconds")

    def __init__(self, seconds: float = COMMAND_SECONDS) -> None:
        self._seconds = seconds
        self._open: dict[int, Open] = {}
        self._queues: dict[str, deque[Open]] = {}
        self._blocked: dict[str, None] = {}
        self._holds: Holds[str] = Holds()

    def __len__(self) -> int:
        return len(self._open)

    @property
    def are_forgotten(self) -> bool:
        """Whether nothing of the past matters to what comes."""
        return not self._open and not self._blocked and not self._holds

    @property
    def next_deadline(self) -> float | None:
        """When the oldest command has waited too long."""
        return next((command.deadline for command in self._open.values()), None)

    @property
    def holds_back(self) -> bool:
        """Whether posts wait for one that was refused."""
        return bool(self._holds)

    def find(self, ref: int) -> Open | None:
        return self._open.get(ref)

    def is_blocked(self, room: str) -> bool:
        """Whether what is said there waits for an attachment."""
        return room in self._blocked

    def concerns(self, room: str) -> bool:
        """Whether anything is open there."""
        return room in self._queues

    # --- what comes in ----------------------------------------------------------------------------------------

    def said(
        self,
        ref: int,
        connection: Address,
        command: AnyCommand,
        room: str | None,
        now: float,
        refusal: Refusal | None = None,
    ) -> Effects:
        """A command arrived. `room`: the one it concerns, where that is known. `refusal`: its answer, in its turn."""
        opened = Open(ref, connection, command, None, now + self._seconds)
        self._open[ref] = opened
        if room is not None:
            return self.concerning(ref, room, now, refusal)
        if refusal is not None:
            return self.refused(ref, refusal, now)
        opened.begun = True
        return [Begin(opened)]

    def concerning(self, ref: int, room: str, now: float, refusal: Refusal | None = None) -> Effects:
        """It is known now which room this command concerns: it queues up there."""
        opened = self._open.get(ref)
        if opened is None:
            return []
        opened.room, opened.begun = room, False
        self._queues.setdefault(room, deque()).append(opened)
        command = opened.command
        if refusal is None and isinstance(command, Post) and not self._holds.admits(room, command.nonce, now):
            refusal = unavailable()
        if refusal is not None:
            self._set_reply(opened, error_from(refusal, command.id), now)
        return self._go_on(room)

    def answered(self, ref: int, reply: Ok | Error, now: float) -> Effects:
        """The reply to a command is known. Of a command that nobody waits for any more, it is dropped."""
        opened = self._open.get(ref)
        if opened is None:
            return []
        return self._answer(opened, reply, now)

    def refused(self, ref: int, refusal: Refusal, now: float) -> Effects:
        opened = self._open.get(ref)
        return [] if opened is None else self._answer(opened, error_from(refusal, opened.command.id), now)

    def not_taken(self, ref: int, refusal: Refusal, now: float) -> Effects:
        """A command could not be sent to its room; neither may the posts be that were to follow it at once."""
        opened = self._open.get(ref)
        if opened is None or opened.room is None:
            return self.refused(ref, refusal, now)
        for other in (opened, *self._behind(opened)):
            if other.begun and other.reply is None:
                self._set_reply(other, error_from(refusal, other.command.id), now)
        return self._go_on(opened.room)

    # --- what happens to a room -------------------------------------------------------------------------------

    def block(self, room: str) -> None:
        """Nothing can be sent to this room now; what is said to it waits."""
        self._blocked[room] = None

    def unblock(self, room: str, now: float) -> Effects:
        self._blocked.pop(room, None)
        return self._go_on(room)

    def room_crashed(self, room: str, now: float, refusal: Refusal | None = None) -> Effects:
        """What was on its way there is lost, or nobody knows."""
        return self._refuse(room, refusal or unavailable(), now, begun_only=True)

    def room_unavailable(self, room: str, refusal: Refusal, now: float) -> Effects:
        """Nothing will reach this room for a while: no use in waiting."""
        return self._refuse(room, refusal, now, begun_only=False)

    def room_rested(self, room: str, now: float) -> Effects:
        """The room stopped in order, with nothing under way: what it did not answer it never saw. Begin it again."""
        for opened in self._queues.get(room, ()):
            if opened.reply is None:
                opened.begun = False
        return self._go_on(room)

    def expire(self, now: float) -> Effects:
        """Answer what has waited too long, and forget what was refused so long ago that nobody sends it again."""
        self._holds.sweep(now)
        effects: Effects = []
        for opened in [opened for opened in self._open.values() if opened.deadline <= now]:
            if opened.reply is None:
                effects += self._answer(opened, error_from(unavailable(), opened.command.id), now)
        return effects

    # --- the queue --------------------------------------------------------------------------------------------

    def _refuse(self, room: str, refusal: Refusal, now: float, *, begun_only: bool) -> Effects:
        for opened in self._queues.get(room, ()):
            if opened.reply is None and (opened.begun or not begun_only):
                self._set_reply(opened, error_from(refusal, opened.command.id), now)
        return self._go_on(room)

    def _answer(self, opened: Open, reply: Ok | Error, now: float) -> Effects:
        self._set_reply(opened, reply, now)
        if opened.room is not None:
            return self._go_on(opened.room)
        del self._open[opened.ref]
        return [Answered(opened.connection, reply)]

    def _set_reply(self, opened: Open, reply: Ok | Error, now: float) -> None:
        """A post that is refused takes those behind it along: whoever sent them did not know of that yet."""
        opened.reply = reply
        command = opened.command
        if not isinstance(command, Post):
            return
        if not (isinstance(reply, Error) and reply.code in FOR_NOW):
            self._holds.settled(command.room, command.nonce)
            return
        self._holds.refused(command.room, command.nonce, now)
        for other in self._behind(opened):
            if isinstance(other.command, Post) and not other.begun and other.reply is None:
                other.reply = error_from(unavailable(), other.command.id)
                self._holds.refused(command.room, other.command.nonce, now)

    def _behind(self, opened: Open) -> Iterable[Open]:
        return islice(dropwhile(lambda other: other is not opened, self._queues.get(opened.room or "", ())), 1, None)

    def _go_on(self, room: str) -> Effects:
        """Let replies leave and commands begin, as far as the order allows it."""
        queue = self._queues.get(room)
        if queue is None:
            return []
        effects: Effects = []
        progress = True
        while progress:
            begun = [] if room in self._blocked else self._begin(queue)
            effects += begun
            left = self._let_leave(queue)
            effects += left
            progress = bool(left)
        if not queue:
            del self._queues[room]
        return effects

    def _let_leave(self, queue: deque[Open]) -> Effects:
        effects: Effects = []
        while queue and (reply := queue[0].reply) is not None:
            opened = queue.popleft()
            del self._open[opened.ref]
            effects.append(Answered(opened.connection, reply))
        return effects

    def _begin(self, queue: deque[Open]) -> Effects:
        """Begin what may go now: the head, and posts that follow posts."""
        effects: Effects = []
        for position, opened in enumerate(queue):
            is_post = isinstance(opened.command, Post)
            if position and not is_post:
                break
            if not opened.begun and opened.reply is None:
                opened.begun = True
                effects.append(Begin(opened))
            if not is_post:
                break
        return effects
