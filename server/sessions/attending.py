"""The half of a session that looks to its rooms: finding them, staying attached, and sending commands there.

The rules:
- Whatever room a command is sent to is watched before. Its `Down` ends every wait: what a crash left undone is
  answered `unavailable`, what a room at rest never saw is sent again.
- While a room of this user is not attached its commands wait; while it is quarantined they are refused at once.
- What an attachment says of the log goes to the feed first and unblocks the commands afterwards.
"""

from __future__ import annotations

from typing import Final

import trio
from msgspec import Struct

from actors import NORMAL, SHUTDOWN, Actor, Address, Down, NotRunning, Quarantined, StartFailed, StartRefused
from server.protocol.closing import CloseCode
from server.protocol.commands import Join, RoomCommand
from server.protocol.errors import ErrorCode, Refusal, no_such_room, unavailable
from server.protocol.events import Left, ReadMark
from server.protocol.objects import User
from server.protocol.outgoing import Outgoing
from server.protocol.showing import PLAIN, Shown, presence_of
from server.rooms.holds import HOLD_SECONDS
from server.rooms.messages import Added, Appears, Attach, Attached, Detached, NotAttached, Passing, Request
from server.sessions.commands import Answered, Begin, CommandEffect, Commands
from server.sessions.commands import Open as OpenCommand
from server.sessions.devices import appearance_of
from server.sessions.environment import SessionEnvironment
from server.sessions.feed import PAGE_ENTRIES, Feed
from server.sessions.feed_effects import AwaitDrained, FeedEffect, GiveUp, ReadOn, Remember, Send
from server.sessions.messages import Close, NotifyDrained
from server.sessions.ongoing import Ongoing
from server.sessions.places import Attaching, Place
from server.sessions.purposes import InfoWanted, PageWanted, Purpose
from server.store.choices import Choice
from server.store.messages import Failed, Identity, ListRooms, Read, ReadLog

RETRY_SECONDS: Final = 0.5


class AttachAgain(Struct, frozen=True):
    """To itself: it is time to try this room again."""

    room: str


class ReadOnAgain(Struct, frozen=True):
    """To itself: it is time to try the log again."""


class Overdue(Struct, frozen=True):
    """To itself: the oldest command may have waited too long."""


OVERDUE: Final = Overdue()
READ_ON_AGAIN: Final = ReadOnAgain()


class Attending(Actor):
    """See the top of this file. `SessionActor` adds the connections and the store's answers."""

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

    def _refuse(self, command: int, refusal: Refusal) -> None:
        self._go_on(self._commands.refused(command, refusal, trio.current_time()))

    # --- rooms ------------------------------------------------------------------------------------------------

    def _visit(self, room: str) -> tuple[Place, Address]:
        """The actor of a room, found or started, and watched.

        Raises
        ------
        Refusal
            It crashed too often lately, or cannot be started.
        """
        place = self._feed.place(room)
        if place is not None and place.address is not None:
            return place, place.address
        try:
            address = self._environment.rooms(self.system).find_or_start(room)
        except Quarantined as quarantined:
            raise unavailable(int(quarantined.retry_after * 1000)) from None
        except (StartRefused, StartFailed, NotRunning):
            raise unavailable() from None
        place = self._feed.take_place(room)
        place.address = address
        self.watch(address)
        return place, address

    def _end_visit(self, room: str) -> None:
        """Let go of a room that is not the user's when nothing is open there any more."""
        place = self._feed.place(room)
        if place is None or place.head is not None or place.awaits is not None or self._commands.concerns(room):
            return
        if place.address is not None:
            self.unwatch(place.address)
        self._feed.drop_place(room)

    def _send_to_room(self, opened: OpenCommand, room: str, command: RoomCommand | Join) -> None:
        try:
            place, address = self._visit(room)
        except Refusal as refusal:
            self._go_on(self._commands.not_taken(opened.ref, refusal, trio.current_time()))
            return
        session = self.address if isinstance(command, Join) else None
        hides = self._choice.hides_receipts
        request = Request(opened.ref, self.address, self._user, command, place.attachment, session, hides)
        if not address.tell(request) and address.alive:
            self._go_on(self._commands.not_taken(opened.ref, unavailable(), trio.current_time()))

    def _attach(self, room: str, creator: int | None = None) -> None:
        """Ask to be attached; commands to the room wait until that is decided.

        Parameters
        ----------
        creator
            The `create_room` this is for.
        """
        try:
            place, address = self._visit(room)
        except Refusal as refusal:
            self._cannot_attach(room, refusal, creator)
            return
        self._commands.block(room)
        ref = next(self._environment.refs)
        shown = None if place.attaching is None else place.attaching.shown
        place.attaching = Attaching(ref, place.creator if creator is None else creator, shown)
        attach = Attach(ref, self.address, self._user_id, self._feed.terms(room), self._appearance)
        if not address.tell(attach) and address.alive:
            self.send_after(RETRY_SECONDS, AttachAgain(room))

    def _cannot_attach(self, room: str, refusal: Refusal, creator: int | None) -> None:
        now = trio.current_time()
        if creator is not None:
            self._refuse(creator, refusal)
        self._go_on(self._commands.room_unavailable(room, refusal, now))
        self._go_on(self._commands.unblock(room, now))
        if self._feed.follows(room):
            seconds = (refusal.retry_after or 0) / 1000
            self.send_after(max(seconds, RETRY_SECONDS), AttachAgain(room))

    def _attach_again(self, room: str) -> None:
        place = self._feed.place(room)
        is_wanted = self._feed.follows(room) or (place is not None and place.creator is not None)
        if is_wanted and (place is None or place.attachment is None or self._commands.is_blocked(room)):
            self._attach(room)

    def _follow(self, room: str, head: int, read: int | None = None) -> None:
        """A room is the user's that was not before, and the store or the room says so: attach to it. `read`: how far
        they have read it, as clients are told by what the store knows."""
        self._feed_on(self._feed.follow(room, head, asker=None, others_from=head))
        if read is not None:
            self._feed.take_place(room).attaching = Attaching(None, shown=read)
        self._attach(room)

    def _added(self, added: Added) -> None:
        """The entries from `added.seq` on are news to every connection."""
        room = added.room
        for opening in self._ongoing.openings.values():
            opening.added.setdefault(room, added.seq)
        place = self._feed.place(room)
        if place is None or (place.head is None and place.awaits is None):
            self._follow(room, added.seq - 1)

    def _attached(self, attached: Attached) -> None:
        room = attached.room
        try:
            place, address = self._visit(room)
        except Refusal:
            return
        if place.attachment is not None and attached.attachment <= place.attachment:
            return
        place.attachment = attached.attachment
        shown = None if place.attaching is None else place.attaching.shown
        place.answered(attached.ref)
        creator = place.take_creator()
        if place.head is not None:
            self._feed_on(self._feed.reaches(room, attached.last_seq))
        else:
            self._attached_to_new(attached, creator)
            if (appearance := self._appearance) != PLAIN:
                address.tell(Appears(self._user_id, appearance))
        if creator is not None:
            self._ask_rooms(InfoWanted(creator, room))
        if attached.peer is not None and not self._is_on_this_node(attached.peer):
            self._pass_on(Passing(room, (presence_of(attached.peer, attached.shown),)))
        if shown not in (None, attached.read_seq):
            self._pass_on(Passing(room, (ReadMark(room=room, read_seq=attached.read_seq),)))
        if place.awaits is None:
            self._go_on(self._commands.unblock(room, trio.current_time()))

    def _is_on_this_node(self, user: str) -> bool:
        return bool(self.system.members(user))

    def _pass_on(self, passing: Passing) -> None:
        first = passing.events[0]
        if isinstance(first, ReadMark) and not self._has_read(first):
            return
        for connection in self._feed.takes_passing():
            connection.tell(passing)

    def _has_read(self, mark: ReadMark) -> bool:
        """How far the user has; whether that is new here."""
        place = self._feed.place(mark.room)
        if place is None or place.read == mark.read_seq:
            return False
        place.read = mark.read_seq
        return True

    def _attached_to_new(self, attached: Attached, creator: int | None) -> None:
        """The connection that made or joined the room learns of it by the reply, the others by its entries."""
        command = attached.ref if creator is None else creator
        opened = self._commands.find(command)
        others_from = max(0, attached.read_seq - 1) if creator is None else 0
        for opening in self._ongoing.openings.values():
            opening.added.setdefault(attached.room, others_from + 1)
        asker = None if opened is None else opened.connection
        effects = self._feed.follow(attached.room, attached.last_seq, asker=asker, others_from=others_from)
        self._feed_on(effects)

    def _not_attached(self, refused: NotAttached) -> None:
        room = refused.room
        place = self._feed.place(room)
        if place is None or place.awaits != refused.ref:
            return
        place.answered(refused.ref)
        if refused.refusal.code is ErrorCode.UNAVAILABLE:
            self.send_after(RETRY_SECONDS, AttachAgain(room))
            return
        creator = place.take_creator()
        if creator is not None:
            self._refuse(creator, refused.refusal)
        self._lost(room, place, Left(room=room, user=self._user_id))

    def _detached(self, detached: Detached) -> None:
        place = self._feed.place(detached.room)
        if place is not None and place.attachment is not None and place.attachment <= detached.attachment:
            self._lost(detached.room, place, detached.left)

    def _lost(self, room: str, place: Place, left: Left) -> None:
        """The room is not the user's any more."""
        place.attachment = None
        self._feed_on(self._feed.left(room, left))
        self._go_on(self._commands.unblock(room, trio.current_time()))
        self._end_visit(room)

    def _room_ended(self, down: Down) -> None:
        room = str(down.address.name)
        place = self._feed.place(room)
        if place is None or place.address is not down.address:
            return
        place.ended()
        creator, follows = place.creator, place.head is not None
        if not down.address.alive:
            self._leave(place)
        if down.reason is SHUTDOWN:
            self._go_on(self._commands.room_unavailable(room, unavailable(), trio.current_time()))
            return
        if follows or creator is not None:
            self._attach(room, creator)
        now = trio.current_time()
        crashed = down.reason is not NORMAL
        self._go_on(self._commands.room_crashed(room, now) if crashed else self._commands.room_rested(room, now))

    def _leave(self, place: Place) -> None:
        """There is no actor there any more; where to stand in the log is kept."""
        place.address = None
        if place.head is None:
            self._feed.drop_place(place.room)

    def _join_answered(self, opened: OpenCommand, room: str) -> None:
        """Joining what is joined already: how the room looks to this user, the store knows."""
        if self._feed.follows(room):
            self._ask_rooms(InfoWanted(opened.ref, room))
        else:
            self._refuse(opened.ref, no_such_room())
