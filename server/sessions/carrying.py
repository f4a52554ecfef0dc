"""The ground of a session: who it is, what it is in the middle of, and carrying out what its pure parts decide.

Which command may go when is `Commands`, who gets which entry is `Feed`; both return effects, and these are carried out
here, in order. So is asking the store: each question has a reference, and under it stands what the answer is for.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import trio
from msgspec import Struct

from actors import Actor
from server.protocol.closing import CloseCode
from server.protocol.errors import Refusal, unavailable
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Error, Ok
from server.protocol.showing import Shown
from server.rooms.holds import HOLD_SECONDS
from server.sessions.commands import Answered, Begin, CommandEffect, Commands
from server.sessions.commands import Open as OpenCommand
from server.sessions.devices import appearance_of
from server.sessions.environment import SessionEnvironment
from server.sessions.feed import PAGE_ENTRIES, Feed
from server.sessions.feed_effects import AwaitDrained, FeedEffect, GiveUp, ReadOn, Remember, Send
from server.sessions.messages import Close, NotifyDrained
from server.sessions.ongoing import Ongoing
from server.sessions.purposes import PageWanted, Purpose
from server.store.choices import Choice
from server.store.history_messages import ReadLog
from server.store.messages import Read
from server.store.questions import Failed
from server.store.room_messages import ListRooms
from server.store.user_messages import Identity

RETRY_SECONDS: Final = 0.5


class ReadOnAgain(Struct, frozen=True):
    """To itself: it is time to try the log again."""


class Overdue(Struct, frozen=True):
    """To itself: the oldest command may have waited too long."""


OVERDUE: Final = Overdue()
READ_ON_AGAIN: Final = ReadOnAgain()


class Carrying(Actor):
    """See the top of this file. What is left open here the other parts of a session fill in."""

    __slots__ = ("_busy_with", "_environment", "_feed", "_names", "_user_id")

    def __init__(self, environment: SessionEnvironment, identity: Identity) -> None:
        self._environment = environment
        user = identity.user
        self._user_id = user.user
        self._call(user)
        self._feed = Feed()
        self._busy_with: Ongoing | None = None
        environment.choices.has_come(user.user, identity.choice)

    def _call(self, user: User) -> None:
        self._names = "\n".join(name for name in (user.name, user.display_name) if name is not None).encode()

    @property
    def _user(self) -> User:
        """As entries and `welcome` name the user. Made when it is needed: most sessions are silent, and the names
        together in bytes take less than one of them as text. No name has a line's end in it."""
        name, _, display_name = self._names.decode().partition("\n")
        return User(user=self._user_id, name=name, display_name=display_name or None)

    @property
    def _ongoing(self) -> Ongoing:
        """Made when it is needed, until `_rest`."""
        if self._busy_with is None:
            self._busy_with = Ongoing(self._environment.command_seconds)
        return self._busy_with

    @property
    def _commands(self) -> Commands:
        return self._ongoing.commands

    def _rest(self) -> None:
        """Keep nothing for what is over."""
        if self._busy_with is not None and not self._busy_with:
            self._busy_with = None

    @property
    def _choice(self) -> Choice:
        """What the user has chosen."""
        return self._environment.choices.of(self._user_id)

    @property
    def _appearance(self) -> Shown:
        """How the user looks at this node."""
        return appearance_of(self.system, self._user_id, self._choice)

    @property
    def _id(self) -> str:
        return str(self.address.name)

    # --- asking the store -------------------------------------------------------------------------------------

    def _new_ref(self, purpose: Purpose) -> int:
        ref = next(self._environment.refs)
        self._ongoing.asked[ref] = purpose
        return ref

    def _purpose(self, ref: int) -> Purpose | None:
        """What was asked for; it is answered now."""
        return self._ongoing.asked.pop(ref, None)

    def _ask(self, question: Read) -> None:
        if not self._environment.reader.tell(question):
            self._unanswerable(Failed(question.ref, unavailable()))

    def _ask_rooms(self, purpose: Purpose) -> None:
        ref = self._new_ref(purpose)
        self._ask(ListRooms(reply_to=self.address, ref=ref, user=self._user_id))

    def _unanswerable(self, failed: Failed) -> None:
        """A question that was put, or could not be, has no answer."""
        raise NotImplementedError

    # --- carrying out -----------------------------------------------------------------------------------------

    def _feed_on(self, effects: list[FeedEffect]) -> None:
        for effect in effects:
            match effect:
                case Send(connection=connection, events=events):
                    connection.answer(Outgoing(events))
                case ReadOn():
                    self._read_on(effect)
                case Remember(room=room):
                    self._remind(room)
                case AwaitDrained(connection=connection):
                    connection.answer(NotifyDrained())
                case GiveUp(connection=connection):
                    connection.answer(Close(CloseCode.INTERNAL_ERROR, "the log has a gap"))

    def _remind(self, room: str) -> None:
        """Have the room tell again how it stands."""
        raise NotImplementedError

    def _read_on(self, effect: ReadOn) -> None:
        ref = self._new_ref(PageWanted(effect.connection, effect.room))
        self._ask(
            ReadLog(
                reply_to=self.address, ref=ref, room=effect.room, after=effect.after, upto=effect.upto,
                limit=PAGE_ENTRIES,
            )
        )  # fmt: skip

    def _go_on(self, effects: list[CommandEffect]) -> None:
        for effect in effects:
            match effect:
                case Answered(connection=connection, reply=reply):
                    connection.answer(Outgoing([reply], answers=1))
                case Begin(open=opened) if opened.reply is None:
                    self._begin(opened)
        self._look_after_deadlines()

    def _begin(self, opened: OpenCommand) -> None:
        """Send the command on its way."""
        raise NotImplementedError

    def _look_after_deadlines(self) -> None:
        """One timer for all commands, for the oldest of them; without any, for refused posts that never came again."""
        ongoing = self._ongoing
        if ongoing.overdue is not None:
            return
        deadline = ongoing.commands.next_deadline
        if deadline is not None:
            ongoing.overdue = self.send_after(max(0.0, deadline - trio.current_time()), OVERDUE)
        elif ongoing.commands.holds_back:
            ongoing.overdue = self.send_after(HOLD_SECONDS, OVERDUE)

    def _expire(self) -> None:
        self._ongoing.overdue = None
        self._go_on(self._commands.expire(trio.current_time()))
        for place in self._feed.each_place():
            self._end_visit(place.room)

    def _end_visit(self, room: str) -> None:
        """Let go of a room that is not the user's when nothing is open there any more."""
        raise NotImplementedError

    def _reply(self, command: int, reply: Callable[[OpenCommand], Ok | Error]) -> None:
        opened = self._commands.find(command)
        if opened is not None:
            self._go_on(self._commands.answered(command, reply(opened), trio.current_time()))

    def _refuse(self, command: int, refusal: Refusal) -> None:
        self._go_on(self._commands.refused(command, refusal, trio.current_time()))
