"""The part of a session that looks to its connections: welcoming them, and letting them go.

A connection is welcomed when the store has said which rooms its user is in. Where it begins in each is `opening.py`;
what it is shown of the rooms is here, because that is more than the store knows: how far this user has read, and who
is there.
"""

from __future__ import annotations

from collections.abc import Iterable

from msgspec import structs

from actors import Address, Down
from server.protocol.closing import CloseCode
from server.protocol.commands import FEATURES
from server.protocol.objects import Room, User
from server.protocol.outgoing import Outgoing
from server.protocol.replies import Welcome
from server.protocol.showing import HIDDEN, with_shown
from server.sessions.devices import appearance_of
from server.sessions.environment import NOTED_FOR_MS
from server.sessions.looking import Looking
from server.sessions.messages import Close, Open
from server.sessions.opening import Start, begin
from server.sessions.places import as_read
from server.sessions.purposes import Opening, WelcomeWanted
from server.sessions.tabs import connections_of, has_come, has_gone


class Welcoming(Looking):
    """See the top of this file."""

    __slots__ = ()

    def _open(self, said: Open) -> None:
        others = self._connections()
        count = connections_of(self.system, self._user_id) + bool(others)
        if count > self._environment.most_connections:
            said.connection.answer(Close(CloseCode.OVER_CAPACITY, "too many connections of one user"))
            self._stop_if_alone()
            return
        self._note_use(said.last_used)
        has_come(self.system, self._user_id, said.connection, others)
        self.watch(said.connection)
        opening = Opening(said.connection, said.resume, said.command_id, {}, said.passive, said.focus)
        self._ongoing.openings[said.connection] = opening
        self._ask_rooms(WelcomeWanted(opening))

    def _welcome(self, opening: Opening, rooms: tuple[Room, ...]) -> None:
        before = self._feed.attention
        if opening.passive and opening.connection in self._ongoing.openings:
            self._attends(opening, rooms)
        self._adopt(rooms)
        if not self._close_opening(opening.connection):
            return
        beginning = begin(rooms, opening.resume, self._user_id)
        starts = {room: Start(seq - 1) for room, seq in opening.added.items() if self._feed.follows(room)}
        environment = self._environment
        welcome = Welcome(
            id=opening.command_id, me=self._user, session=self._id, node=environment.node,
            heartbeat=environment.heartbeat(), features=FEATURES, limits=environment.limits, rooms=self._shown(rooms),
        )  # fmt: skip
        opening.connection.answer(Outgoing([welcome, *beginning.news]))
        self._feed_on(self._feed.opened(opening.connection, starts | beginning.starts))
        self._look_again(self._feed.attention or before)
        self._ask_for_peers(rooms)

    def _ask_for_peers(self, rooms: Iterable[Room]) -> None:
        """Those of whom this node does not know whether they are there. What the others say was told, to connections
        that were welcome before."""
        for room in rooms:
            place = self._feed.place(room.room)
            is_told = place is None or place.attachment is None  # by the answer that is still to come
            if room.peer is not None and not is_told and self._with_status(room.peer).status is None:
                self._attach(room.room)

    def _close_opening(self, connection: Address) -> bool:
        """Whether there was one."""
        return self._ongoing.openings.pop(connection, None) is not None

    def _adopt(self, rooms: Iterable[Room]) -> None:
        """Follow all rooms the store says are the user's, as far as it says they reach."""
        for room in rooms:
            if self._feed.follows(room.room):
                self._feed_on(self._feed.reaches(room.room, room.last_seq))
            else:
                self._follow(room.room, room.last_seq, room.read_seq)

    def _ended(self, down: Down) -> None:
        attention = self._feed.attention
        if self._feed.closed(down.address) or self._close_opening(down.address):
            has_gone(self.system, self._user_id, self._connections())
            self._look_again(attention if self._feed.connections else None)
            self._stop_if_alone()
        else:
            self._room_ended(down)

    def _connections(self) -> tuple[Address, ...]:
        """All of them: welcomed, and not yet."""
        return *self._feed.connections, *self._ongoing.openings

    def _stop_if_alone(self) -> None:
        if not self._connections():
            self.stop()

    def _close_all(self, code: CloseCode) -> None:
        for connection in self._connections():
            connection.answer(Close(code))

    def _note_use(self, noted: int = 0) -> None:
        """Write down that the token is in use, unless that was `noted` (in ms) lately: most of a crowd that comes back
        after a moment cost no change of the store.
        """
        now = self._environment.clock()
        if now - noted >= NOTED_FOR_MS:
            self._environment.used(self._id, now)

    # --- rooms as clients see them -----------------------------------------------------------------------------

    def _shown(self, rooms: Iterable[Room]) -> list[Room]:
        """Rooms as clients see them: read as far as they said, and the other person of a dm online or not."""
        return [self._shown_one(room) for room in rooms]

    def _shown_one(self, room: Room) -> Room:
        if room.peer is not None:
            room = structs.replace(room, peer=self._with_status(room.peer))
        place = self._feed.place(room.room)
        return room if place is None else as_read(room, place.read)

    def _with_status(self, user: User) -> User:
        """Who is not here may be on another node; the dm's room knows, and says so to whoever is attached."""
        if user.deleted or user.status is not None:
            return user
        if self._is_on_this_node(user.user):
            shown = appearance_of(self.system, user.user, self._environment.choices.of(user.user))
            return with_shown(user, None if shown == HIDDEN else shown)
        return user if self._environment.elsewhere is not None else structs.replace(user, status="offline")
