"""The half of a session that looks to its rooms: finding them, staying attached, and sending commands there.

The rules:
- Whatever room a command is sent to is watched before. Its `Down` ends every wait: what a crash left undone is
  answered `unavailable`, what a room at rest never saw is sent again.
- While a room of this user is not attached its commands wait; while it is quarantined they are refused at once.
- What an attachment says of the log goes to the feed first and unblocks the commands afterwards.
"""

from __future__ import annotations

import trio
from msgspec import Struct

from actors import NORMAL, SHUTDOWN, Address, Down, NotRunning, Quarantined, StartFailed, StartRefused
from server.protocol.commands import RoomCommand
from server.protocol.entries import Left
from server.protocol.errors import ErrorCode, Refusal, unavailable
from server.protocol.events import ReadMark
from server.protocol.room_commands import Join
from server.protocol.showing import PLAIN, presence_of
from server.rooms.messages import Added, Appears, Attach, Attached, Detached, NotAttached, Passing, Request
from server.sessions.carrying import RETRY_SECONDS, Carrying
from server.sessions.commands import Open as OpenCommand
from server.sessions.places import Place
from server.sessions.purposes import InfoWanted

ToRoom = RoomCommand | Join
"""What is sent to a room. Named, because to make it anew for every command takes longer than to look into it."""


class AttachAgain(Struct, frozen=True):
    """To itself: it is time to try this room again."""

    room: str


class Attending(Carrying):
    """See the top of this file."""

    __slots__ = ()

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
        place = self._feed.place(room)
        if place is None or place.head is not None or place.awaits is not None or self._commands.concerns(room):
            return
        if place.address is not None:
            self.unwatch(place.address)
        self._feed.drop_place(room)

    def _send_to_room(self, opened: OpenCommand, room: str, command: ToRoom) -> None:
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
        place.wants(ref, creator=creator)
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
            self._feed.take_place(room).wants(None, shown=read)
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
        place.given(attached.attachment)
        shown = place.shown
        place.answered(attached.ref)
        creator = place.take_creator()
        if place.head is not None:
            self._feed_on(self._feed.reaches(room, attached.last_seq))
            if place.head == attached.last_seq:
                place.head = attached.last_seq  # what the room has is one object for all, and not one from the store
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
        place.given(None)
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
